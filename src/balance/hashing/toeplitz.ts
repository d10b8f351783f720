/**
 * The Toeplitz hash of receive side scaling (Microsoft, "RSS hashing functions"): for each bit set in the input, the
 * 32 bits of the key that begin there are XORed in. With a table for each byte's place it costs a look-up per byte.
 */
export class Toeplitz {
  private readonly tables: Int32Array;
  /** Input of more bytes than this has no key bits left. */
  readonly maxBytes: number;

  /** @param key 40 bytes in most cards; four more than the longest input @throws RangeError when below 5 bytes */
  constructor(key: Uint8Array) {
    if (key.length < 5) throw new RangeError(`a Toeplitz key of ${key.length} bytes: it has four more than the input`);
    this.maxBytes = key.length - 4;
    this.tables = new Int32Array(this.maxBytes << 8);
    for (let place = 0; place < this.maxBytes; place++) {
      for (let byte = 1; byte < 256; byte++) {
        let word = 0;
        for (let bit = 0; bit < 8; bit++) if (byte & (0x80 >> bit)) word ^= window(key, (place << 3) + bit);
        this.tables[(place << 8) | byte] = word;
      }
    }
  }

  /** @param length how many of the bytes, from the first @returns unsigned */
  hash(bytes: Uint8Array, length: number = bytes.length): number {
    if (length > this.maxBytes) {
      throw new RangeError(`${length} bytes to hash, but the Toeplitz key is good for ${this.maxBytes}`);
    }
    let word = 0;
    for (let at = 0; at < length; at++) word ^= this.tables[(at << 8) | bytes[at]!]!;
    return word >>> 0;
  }
}

function window(key: Uint8Array, bit: number): number {
  const at = bit >>> 3;
  const shift = bit & 7;
  const word = (key[at]! << 24) | (key[at + 1]! << 16) | (key[at + 2]! << 8) | key[at + 3]!;
  return shift === 0 ? word : (word << shift) | (key[at + 4]! >>> (8 - shift));
}
