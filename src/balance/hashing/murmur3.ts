import { readLittle, rotateLeft } from "./word32.ts";
import { Word64 } from "./word64.ts";

/** MurmurHash3 by Austin Appleby (https://github.com/aappleby/smhasher), its little-endian form. */

/** MurmurHash3_x86_32. Unsigned. */
export function murmur3x86(bytes: Uint8Array, seed: number): number {
  const { length } = bytes;
  let h = seed | 0;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    h = (Math.imul(rotateLeft(h ^ scramble(readLittle(bytes, at)), 13), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = length - 1; i >= at; i--) rest = (rest << 8) | bytes[i]!;
  h ^= scramble(rest) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function scramble(word: number): number {
  return Math.imul(rotateLeft(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

const k1 = new Word64();
const k2 = new Word64();

/** MurmurHash3_x64_128 into `h1` and `h2`; both start at the seed. */
export function murmur3x64(bytes: Uint8Array, seed: number, h1: Word64, h2: Word64): void {
  const { length } = bytes;
  h1.set(0, seed);
  h2.set(0, seed);
  let at = 0;
  for (; at + 16 <= length; at += 16) {
    first(k1.read(bytes, at), h1);
    h1.rotateLeft(27).add(h2.hi, h2.lo).multiply(0, 5).add(0, 0x52dce729);
    second(k2.read(bytes, at + 8), h2);
    h2.rotateLeft(31).add(h1.hi, h1.lo).multiply(0, 5).add(0, 0x38495ab5);
  }
  rest.fill(0);
  rest.set(bytes.subarray(at));
  second(k2.read(rest, 8), h2);
  first(k1.read(rest, 0), h1);
  h1.xor(0, length).add(h2.hi, h2.lo ^ length);
  h2.xor(0, length).add(h1.hi, h1.lo);
  mix(h1);
  mix(h2);
  h1.add(h2.hi, h2.lo);
  h2.add(h1.hi, h1.lo);
}

const rest = new Uint8Array(16);

function first(k: Word64, into: Word64): void {
  k.multiply(0x87c37b91, 0x114253d5).rotateLeft(31).multiply(0x4cf5ad43, 0x2745937f);
  into.xor(k.hi, k.lo);
}

function second(k: Word64, into: Word64): void {
  k.multiply(0x4cf5ad43, 0x2745937f).rotateLeft(33).multiply(0x87c37b91, 0x114253d5);
  into.xor(k.hi, k.lo);
}

function mix(h: Word64): void {
  h.xorShiftRight(33).multiply(0xff51afd7, 0xed558ccd).xorShiftRight(33);
  h.multiply(0xc4ceb9fe, 0x1a85ec53).xorShiftRight(33);
}
