import { Word64 } from "./word64.ts";

const k = new Word64();

/**
 * MurmurHash64A (MurmurHash2 for 64-bit machines, https://github.com/aappleby/smhasher), little-endian. Envoy's
 * `MURMUR_HASH_2` is this with libstdc++'s seed, 0xc70f6907.
 */
export function murmurHash64A(bytes: Uint8Array, seed: number, h: Word64): void {
  const { length } = bytes;
  // a length below 2^32 times the constant, in a word of its own
  k.set(0, length).multiply(0xc6a4a793, 0x5bd1e995);
  h.set(0, seed).xor(k.hi, k.lo);
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    k.read(bytes, at).multiply(0xc6a4a793, 0x5bd1e995).xorShiftRight(47).multiply(0xc6a4a793, 0x5bd1e995);
    h.xor(k.hi, k.lo).multiply(0xc6a4a793, 0x5bd1e995);
  }
  if (at < length) {
    for (let i = at; i < length; i++) {
      const bit = (i - at) << 3;
      if (bit < 32) h.xor(0, bytes[i]! << bit);
      else h.xor(bytes[i]! << (bit - 32), 0);
    }
    h.multiply(0xc6a4a793, 0x5bd1e995);
  }
  h.xorShiftRight(47).multiply(0xc6a4a793, 0x5bd1e995).xorShiftRight(47);
}
