/** A cyclic redundancy check by Ross Williams' model ("A painless guide to CRC error detection algorithms", 1993). */
export interface CrcModel {
  /** Bits, 8 to 32. */
  width: number;
  poly: number;
  init: number;
  /** Whether bytes go in with the lowest bit first. */
  refin: boolean;
  refout: boolean;
  xorout: number;
}

/** The ones that load balancers and switches name, with their parameters of the CRC catalogue. */
export const CRC_MODELS = {
  crc16: { width: 16, poly: 0x8005, init: 0, refin: true, refout: true, xorout: 0 },
  "crc16-ccitt": { width: 16, poly: 0x1021, init: 0xffff, refin: false, refout: false, xorout: 0 },
  crc32: { width: 32, poly: 0x04c11db7, init: 0xffffffff, refin: true, refout: true, xorout: 0xffffffff },
  crc32c: { width: 32, poly: 0x1edc6f41, init: 0xffffffff, refin: true, refout: true, xorout: 0xffffffff },
} as const satisfies Record<string, CrcModel>;

/** A model with its table of 256 entries built. */
export class Crc {
  private readonly model: CrcModel;
  private readonly table = new Int32Array(256);
  /** Reflected models shift right with the register at the bottom of the word, others left with it at the top. */
  private readonly shift: number;
  private readonly start: number;

  constructor(model: CrcModel) {
    const { width, poly, init, refin } = model;
    if (width < 8 || width > 32) throw new RangeError(`a CRC of ${width} bits: there are those of 8 to 32`);
    this.model = model;
    this.shift = 32 - width;
    this.start = refin ? reverse(init, width) : init << this.shift;
    for (let byte = 0; byte < 256; byte++) {
      let word = refin ? byte : byte << 24;
      const feed = refin ? reverse(poly, width) : poly << this.shift;
      for (let bit = 0; bit < 8; bit++) {
        if (refin) word = word & 1 ? (word >>> 1) ^ feed : word >>> 1;
        else word = word < 0 ? (word << 1) ^ feed : word << 1;
      }
      this.table[byte] = word;
    }
  }

  /** @param length how many of the bytes, from the first @returns unsigned */
  of(bytes: Uint8Array, length: number = bytes.length): number {
    return this.finish(this.update(this.start, bytes, 0, length));
  }

  /** The register before any byte: for input that comes in parts. */
  begin(): number {
    return this.start;
  }

  update(register: number, bytes: Uint8Array, from: number, to: number): number {
    const { table } = this;
    let word = register;
    if (this.model.refin) for (let at = from; at < to; at++) word = table[(word ^ bytes[at]!) & 0xff]! ^ (word >>> 8);
    else for (let at = from; at < to; at++) word = table[(word >>> 24) ^ bytes[at]!]! ^ (word << 8);
    return word;
  }

  finish(register: number): number {
    const { width, refin, refout, xorout } = this.model;
    let word = refin ? register : register >>> this.shift;
    if (refin !== refout) word = reverse(word, width);
    return (word ^ xorout) >>> 0;
  }
}

function reverse(word: number, width: number): number {
  let turned = 0;
  for (let bit = 0; bit < width; bit++) if ((word >>> bit) & 1) turned |= 1 << (width - 1 - bit);
  return turned;
}
