/** Fowler, Noll and Vo's hashes of 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), unsigned. */

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** FNV-1: multiply, then XOR. */
export function fnv1(bytes: Uint8Array): number {
  let h = OFFSET;
  for (let at = 0; at < bytes.length; at++) h = Math.imul(h, PRIME) ^ bytes[at]!;
  return h >>> 0;
}

/** FNV-1a: XOR, then multiply. */
export function fnv1a(bytes: Uint8Array): number {
  let h = OFFSET;
  for (let at = 0; at < bytes.length; at++) h = Math.imul(h ^ bytes[at]!, PRIME);
  return h >>> 0;
}

/** FNV-1 over signed chars, as folly's `fnv32_buf` does on x86: bytes from 128 on set the upper bits too. */
export function fnv1Signed32(bytes: Uint8Array): number {
  let h = OFFSET;
  for (let at = 0; at < bytes.length; at++) h = Math.imul(h, PRIME) ^ ((bytes[at]! << 24) >> 24);
  return h >>> 0;
}
