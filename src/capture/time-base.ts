/**
 * The zero of all times in one run. Packet times are nanoseconds since `seconds`, so that they stay exact in a double
 * (2^53 ns is 104 days). Whoever reads the first packet of the run sets it; all readers of the run share it.
 */
export class TimeBase {
  /** Whole epoch seconds, or null until the first packet was read. */
  seconds: number | null;

  constructor(seconds: number | null = null) {
    this.seconds = seconds;
  }

  /**
   * Epoch time as the contract prints it: decimal seconds with 9 decimals. Farther from the base than a double counts
   * nanoseconds, it is rounded to the microsecond, which is what most captures have.
   */
  toEpoch(nanoseconds: number): string {
    const sinceBase = Number.isSafeInteger(Math.round(nanoseconds))
      ? BigInt(Math.round(nanoseconds))
      : BigInt(Math.round(nanoseconds / 1000)) * 1000n;
    const total = BigInt(this.seconds ?? 0) * 1_000_000_000n + sinceBase;
    const sign = total < 0n ? "-" : "";
    const absolute = total < 0n ? -total : total;
    return `${sign}${absolute / 1_000_000_000n}.${String(absolute % 1_000_000_000n).padStart(9, "0")}`;
  }
}
