import { readLittle, rotateLeft } from "./word32.ts";

/**
 * The kernel's `hsiphash` on 32-bit machines: HalfSipHash-1-3 with a key of 8 bytes (lib/siphash.c). Unsigned.
 * @param key two words of 32 bits
 */
export function hsiphash32(key: readonly [number, number], bytes: Uint8Array): number {
  const { length } = bytes;
  let v0 = key[0];
  let v1 = key[1];
  let v2 = 0x6c796765 ^ key[0];
  let v3 = 0x74656462 ^ key[1];
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0;
      v1 = rotateLeft(v1, 5) ^ v0;
      v0 = rotateLeft(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotateLeft(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotateLeft(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotateLeft(v1, 13) ^ v2;
      v2 = rotateLeft(v2, 16);
    }
  };
  const take = (word: number): void => {
    v3 ^= word;
    rounds(1);
    v0 ^= word;
  };
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) take(readLittle(bytes, at));
  let last = length << 24;
  for (let at = whole; at < length; at++) last |= bytes[at]! << ((at & 3) << 3);
  take(last);
  v2 ^= 0xff;
  rounds(3);
  return (v1 ^ v3) >>> 0;
}
