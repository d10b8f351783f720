/**
 * Turns the 64-bit timestamps of one pcapng interface into nanoseconds since the run's time base.
 *
 * A timestamp in nanoseconds does not fit a double, its distance from the base does: the base is expressed in the
 * interface's own units and subtracted from the two halves before they are put together. That is exact for every
 * decimal resolution down to nanoseconds; finer and binary ones go through BigInt.
 */
export class PcapngClock {
  /** Nanoseconds in one unit, or 0 where a unit is not a whole number of nanoseconds: use `slow`. */
  readonly unitNanoseconds: number;
  /** The base in units, in halves as a timestamp has them; `high` may be negative. */
  high = 0;
  low = 0;
  readonly #unitsPerSecond: bigint;
  readonly #offsetSeconds: bigint;
  #baseSeconds = 0n;

  /**
   * @param resolution if_tsresol: 10^-n seconds, or 2^-n with the top bit set; 6 where the option is missing.
   * @param offsetSeconds if_tsoffset, added to every timestamp.
   */
  constructor(resolution: number, offsetSeconds: bigint) {
    const exponent = resolution & 0x7f;
    const isBinary = (resolution & 0x80) !== 0;
    this.#unitsPerSecond = (isBinary ? 2n : 10n) ** BigInt(exponent);
    this.unitNanoseconds = !isBinary && exponent <= 9 ? 10 ** (9 - exponent) : 0;
    this.#offsetSeconds = offsetSeconds;
  }

  /** Whole epoch seconds of a timestamp. */
  seconds(high: number, low: number): number {
    return Number(join(high, low) / this.#unitsPerSecond + this.#offsetSeconds);
  }

  /** Sets the zero of the times, in whole epoch seconds. */
  rebase(baseSeconds: number): void {
    this.#baseSeconds = BigInt(baseSeconds);
    const units = (this.#baseSeconds - this.#offsetSeconds) * this.#unitsPerSecond;
    this.high = Number(units >> 32n);
    this.low = Number(units & 0xffffffffn);
  }

  /** Nanoseconds since the base, whole (rounded down), for any resolution. */
  slow(high: number, low: number): number {
    const sinceOffset = (join(high, low) * 1_000_000_000n) / this.#unitsPerSecond;
    return Number(sinceOffset + (this.#offsetSeconds - this.#baseSeconds) * 1_000_000_000n);
  }
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
