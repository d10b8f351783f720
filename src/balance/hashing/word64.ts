/**
 * A 64-bit unsigned integer that is changed in place: the halves are kept as signed 32-bit integers, which V8 holds
 * without allocating, so hashes of 64 bits cost neither garbage nor BigInt.
 */
export class Word64 {
  hi = 0;
  lo = 0;

  static of(value: bigint): Word64 {
    return new Word64().set(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
  }

  set(hi: number, lo: number): this {
    this.hi = hi | 0;
    this.lo = lo | 0;
    return this;
  }

  copy(other: Word64): this {
    this.hi = other.hi;
    this.lo = other.lo;
    return this;
  }

  /** Eight bytes, little-endian. */
  read(bytes: Uint8Array, at: number): this {
    this.lo = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    this.hi = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
    return this;
  }

  add(hi: number, lo: number): this {
    const low = (this.lo + lo) | 0;
    this.hi = (this.hi + hi + (low >>> 0 < lo >>> 0 ? 1 : 0)) | 0;
    this.lo = low;
    return this;
  }

  subtract(hi: number, lo: number): this {
    const borrow = this.lo >>> 0 < lo >>> 0 ? 1 : 0;
    this.hi = (this.hi - hi - borrow) | 0;
    this.lo = (this.lo - lo) | 0;
    return this;
  }

  xor(hi: number, lo: number): this {
    this.hi ^= hi;
    this.lo ^= lo;
    return this;
  }

  multiply(hi: number, lo: number): this {
    const high = multiplyHigh(this.lo, lo) + Math.imul(this.lo, hi) + Math.imul(this.hi, lo);
    this.lo = Math.imul(this.lo, lo);
    this.hi = high | 0;
    return this;
  }

  /** @param bits 1 to 63 */
  rotateLeft(bits: number): this {
    const { hi, lo } = this;
    if (bits === 32) {
      this.hi = lo;
      this.lo = hi;
    } else if (bits < 32) {
      this.hi = (hi << bits) | (lo >>> (32 - bits));
      this.lo = (lo << bits) | (hi >>> (32 - bits));
    } else {
      this.hi = (lo << (bits - 32)) | (hi >>> (64 - bits));
      this.lo = (hi << (bits - 32)) | (lo >>> (64 - bits));
    }
    return this;
  }

  /** `x ^= x >> bits`, the step that most finalizers are made of. @param bits 1 to 63 */
  xorShiftRight(bits: number): this {
    if (bits < 32) {
      this.lo ^= (this.lo >>> bits) | (this.hi << (32 - bits));
      this.hi ^= this.hi >>> bits;
    } else if (bits === 32) {
      this.lo ^= this.hi;
    } else {
      this.lo ^= this.hi >>> (bits - 32);
    }
    return this;
  }

  /** @param divisor from 1 to 2^26, so that no product leaves what a double holds */
  modulo(divisor: number): number {
    const value = ((this.hi >>> 0) % divisor) * (0x100000000 % divisor) + (this.lo >>> 0);
    // the remainder of doubles is a call into C; all here is below 2^53, so the quotient is off by one at most
    const rest = value - Math.floor(value / divisor) * divisor;
    return rest < 0 ? rest + divisor : rest >= divisor ? rest - divisor : rest;
  }

  toBigInt(): bigint {
    return (BigInt(this.hi >>> 0) << 32n) | BigInt(this.lo >>> 0);
  }

  /** `0x00c0ffee00c0ffee` */
  toHex(): string {
    return `0x${this.toBigInt().toString(16).padStart(16, "0")}`;
  }
}

/** The upper 32 bits of a product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const rest = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (rest >>> 16)) | 0;
}
