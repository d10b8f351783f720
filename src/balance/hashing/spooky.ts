import { Word64 } from "./word64.ts";

/** From here on SpookyHash mixes twelve words instead of four; nobody hashes an address of that size. */
const SHORT_BYTES = 192;

const MIX = [50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36] as const;
const END = [15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63] as const;

const c = new Word64();
const d = new Word64();
const padded = new Uint8Array(16);

/**
 * SpookyHash V2 of 128 bits (http://burtleburtle.net/bob/hash/spooky.html) for messages below 192 bytes.
 * @param a the first seed, then the first result
 * @param b the second seed, then the second result
 */
export function spooky128(bytes: Uint8Array, a: Word64, b: Word64): void {
  const { length } = bytes;
  if (length >= SHORT_BYTES) throw new RangeError(`SpookyHash is here for fewer than ${SHORT_BYTES} bytes: ${length}`);
  c.set(0xdeadbeef, 0xdeadbeef);
  d.set(0xdeadbeef, 0xdeadbeef);
  let at = 0;
  for (; length - at >= 16; at += 16) {
    // whole blocks have 32 bytes: the first half goes in before the mix, the second after it
    const half = length - at >= 32;
    c.add(word.read(bytes, at).hi, word.lo);
    d.add(word.read(bytes, at + 8).hi, word.lo);
    shortMix(a, b);
    if (!half) continue;
    at += 16;
    a.add(word.read(bytes, at).hi, word.lo);
    b.add(word.read(bytes, at + 8).hi, word.lo);
  }
  d.add(length << 24, 0);
  if (at === length) {
    c.add(0xdeadbeef, 0xdeadbeef);
    d.add(0xdeadbeef, 0xdeadbeef);
  } else {
    padded.fill(0);
    padded.set(bytes.subarray(at));
    c.add(word.read(padded, 0).hi, word.lo);
    d.add(word.read(padded, 8).hi, word.lo);
  }
  shortEnd(a, b);
}

const word = new Word64();

function shortMix(a: Word64, b: Word64): void {
  const h = [a, b, c, d] as const;
  for (let step = 0; step < MIX.length; step++) {
    const own = h[(step + 2) & 3]!;
    const next = h[(step + 3) & 3]!;
    own.rotateLeft(MIX[step]!).add(next.hi, next.lo);
    h[step & 3]!.xor(own.hi, own.lo);
  }
}

function shortEnd(a: Word64, b: Word64): void {
  const h = [a, b, c, d] as const;
  for (let step = 0; step < END.length; step++) {
    const own = h[(step + 3) & 3]!;
    const before = h[(step + 2) & 3]!;
    own.xor(before.hi, before.lo);
    before.rotateLeft(END[step]!);
    own.add(before.hi, before.lo);
  }
}
