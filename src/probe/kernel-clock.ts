/** Two clocks apart by more than this are not told apart by the time that reading them takes: one was set. */
const STEP_NS = 2_000_000n;
const CHECK_EVERY_NS = 5_000_000_000n;

/**
 * Turns times of CLOCK_MONOTONIC, by which the kernel's programs tell when things were, into those of the wall clock, to
 * some microseconds. Both are slewed alike; where the wall clock is set, what comes after follows it.
 */
export class KernelClock {
  private offsetNs = 0n;
  private checkedNs = 0n;

  constructor() {
    this.measure();
  }

  /** Added to CLOCK_MONOTONIC it gives nanoseconds since 1970. To be asked now and then, so that it follows the clock. */
  get epochOffsetNs(): bigint {
    const now = process.hrtime.bigint();
    if (now - this.checkedNs > CHECK_EVERY_NS) {
      this.checkedNs = now;
      const difference = BigInt(Date.now()) * 1_000_000n - now - this.offsetNs;
      // the wall clock is read in whole milliseconds, rounded down
      if (difference > STEP_NS || difference < -STEP_NS) this.measure();
    }
    return this.offsetNs;
  }

  private measure(): void {
    const before = Date.now();
    let wall = before;
    // the moment at which a millisecond begins
    while (wall === before) wall = Date.now();
    this.checkedNs = process.hrtime.bigint();
    this.offsetNs = BigInt(wall) * 1_000_000n - this.checkedNs;
  }
}
