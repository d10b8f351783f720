/** The kernel's hash_32 (include/linux/hash.h): the upper bits of a product with 2^32 over the golden ratio. */
export function hash32(word: number, bits: number): number {
  return Math.imul(word, 0x61c88647) >>> (32 - bits);
}
