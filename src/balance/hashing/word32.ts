/** Words of 32 bits as load balancers read them off the wire. */

/** Four bytes, little-endian: how x86 sees an address in network order. Signed. */
export function readLittle(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Four bytes, big-endian: an address as the host's own integer. Signed. */
export function readBig(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** A port in network order, as x86 sees it. */
export function swap16(port: number): number {
  return ((port & 0xff) << 8) | ((port >>> 8) & 0xff);
}

export function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
