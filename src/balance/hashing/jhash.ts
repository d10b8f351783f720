import { readLittle, rotateLeft } from "./word32.ts";

/**
 * Bob Jenkins' lookup3 (http://burtleburtle.net/bob/c/lookup3.c, hashlittle), which Linux calls jhash
 * (include/linux/jhash.h). All results are unsigned 32-bit integers.
 */

const START = 0xdeadbeef;

let a = 0;
let b = 0;
let c = 0;

/**
 * @param init the kernel's `initval`
 * @param length how many of the bytes, from the first
 */
export function jhash(bytes: Uint8Array, init: number, length: number = bytes.length): number {
  a = b = c = (START + length + init) | 0;
  hashBytes(bytes, length);
  return c >>> 0;
}

/** Two results of 32 bits, `[c, b]`, from two seeds; `c` is jhash where `pb` is 0. */
export function hashlittle2(bytes: Uint8Array, pc: number, pb: number): [number, number] {
  a = b = c = (START + bytes.length + pc) | 0;
  c = (c + pb) | 0;
  hashBytes(bytes, bytes.length);
  return [c >>> 0, b >>> 0];
}

/** The kernel's jhash2: what jhash makes of the words' bytes, each little-endian. */
export function jhashWords(words: ArrayLike<number>, init: number): number {
  const count = words.length;
  a = b = c = (START + (count << 2) + init) | 0;
  let at = 0;
  for (; count - at > 3; at += 3) {
    a = (a + words[at]!) | 0;
    b = (b + words[at + 1]!) | 0;
    c = (c + words[at + 2]!) | 0;
    mix();
  }
  if (count === 0) return c >>> 0;
  a = (a + words[at]!) | 0;
  if (count - at > 1) b = (b + words[at + 1]!) | 0;
  if (count - at > 2) c = (c + words[at + 2]!) | 0;
  final();
  return c >>> 0;
}

export function jhash1Word(first: number, init: number): number {
  return nWords(first, 0, 0, (init + START + 4) | 0);
}

export function jhash2Words(first: number, second: number, init: number): number {
  return nWords(first, second, 0, (init + START + 8) | 0);
}

export function jhash3Words(first: number, second: number, third: number, init: number): number {
  return nWords(first, second, third, (init + START + 12) | 0);
}

/** `final` on variables of its own: this is what look-ups call for each packet. */
function nWords(first: number, second: number, third: number, start: number): number {
  let x = (first + start) | 0;
  let y = (second + start) | 0;
  let z = (third + start) | 0;
  z = ((z ^ y) - rotateLeft(y, 14)) | 0;
  x = ((x ^ z) - rotateLeft(z, 11)) | 0;
  y = ((y ^ x) - rotateLeft(x, 25)) | 0;
  z = ((z ^ y) - rotateLeft(y, 16)) | 0;
  x = ((x ^ z) - rotateLeft(z, 4)) | 0;
  y = ((y ^ x) - rotateLeft(x, 14)) | 0;
  return ((z ^ y) - rotateLeft(y, 24)) >>> 0;
}

/**
 * What Cilium makes of an IPv6 address and two more words (bpf/lib/hash.h, hash_from_tuple_v6): lookup3's mix and
 * final, but not its way of starting.
 */
export function jhashCilium6(address: Uint8Array, ports: number, protocol: number, seed: number): number {
  a = readLittle(address, 0);
  b = readLittle(address, 4);
  c = readLittle(address, 8);
  mix();
  a = (a + readLittle(address, 12)) | 0;
  b = (b + ports) | 0;
  c = (c + protocol) | 0;
  mix();
  a = (a + seed) | 0;
  final();
  return c >>> 0;
}

function hashBytes(bytes: Uint8Array, length: number): void {
  let at = 0;
  for (; length - at > 12; at += 12) {
    a = (a + readLittle(bytes, at)) | 0;
    b = (b + readLittle(bytes, at + 4)) | 0;
    c = (c + readLittle(bytes, at + 8)) | 0;
    mix();
  }
  if (at === length) return;
  a = (a + tail(bytes, at, length)) | 0;
  b = (b + tail(bytes, at + 4, length)) | 0;
  c = (c + tail(bytes, at + 8, length)) | 0;
  final();
}

/** A word whose bytes from `length` on count as zero. */
function tail(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let i = Math.min(3, length - at - 1); i >= 0; i--) word = (word << 8) | bytes[at + i]!;
  return word;
}

function mix(): void {
  a = ((a - c) | 0) ^ rotateLeft(c, 4);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotateLeft(a, 6);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotateLeft(b, 8);
  b = (b + a) | 0;
  a = ((a - c) | 0) ^ rotateLeft(c, 16);
  c = (c + b) | 0;
  b = ((b - a) | 0) ^ rotateLeft(a, 19);
  a = (a + c) | 0;
  c = ((c - b) | 0) ^ rotateLeft(b, 4);
  b = (b + a) | 0;
}

function final(): void {
  c = ((c ^ b) - rotateLeft(b, 14)) | 0;
  a = ((a ^ c) - rotateLeft(c, 11)) | 0;
  b = ((b ^ a) - rotateLeft(a, 25)) | 0;
  c = ((c ^ b) - rotateLeft(b, 16)) | 0;
  a = ((a ^ c) - rotateLeft(c, 4)) | 0;
  b = ((b ^ a) - rotateLeft(a, 14)) | 0;
  c = ((c ^ b) - rotateLeft(b, 24)) | 0;
}
