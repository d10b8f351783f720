/** XOR of the input's 16-bit words, big-endian, padded with zeros on the right: the smallest of switches' hashes. */
export function xorFold16(bytes: Uint8Array, length: number = bytes.length): number {
  let fold = 0;
  for (let at = 0; at < length; at++) fold ^= bytes[at]! << (at & 1 ? 0 : 8);
  return fold;
}

/** The same with 32-bit words. Unsigned. */
export function xorFold32(bytes: Uint8Array, length: number = bytes.length): number {
  let fold = 0;
  for (let at = 0; at < length; at++) fold ^= bytes[at]! << (24 - ((at & 3) << 3));
  return fold >>> 0;
}
