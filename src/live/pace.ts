/** Wall clock and waiting, handed in so that tests can turn it. */
export interface Timing {
  /** Seconds of a clock that only goes forward. */
  seconds(): number;
  /** Epoch seconds. */
  epochSeconds(): number;
  wait(seconds: number): Promise<void>;
  /** Seconds that this thread was at work so far, and that it waited. */
  work(): { busy: number; idle: number };
  /** Lets timers and messages have their turn. */
  breathe(): Promise<void>;
}

/** Ahead by less than this, a replay goes on at once. */
const SLACK_SECONDS = 0.005;
/** A longer pause in a replay is waited for in pieces, so that it can be stopped. */
const MOST_WAIT_SECONDS = 0.1;

/** Keeps a replay from running ahead of its speed. */
export class ReplayPace {
  private readonly speed: number;
  private readonly timing: Timing;
  private startedAt = Number.NaN;
  private first = Number.NaN;

  constructor(speed: number, timing: Timing) {
    this.speed = speed;
    this.timing = timing;
  }

  /** Where the replay should be, ns since the base; NaN before it begins or where it knows no speed. */
  position(): number {
    if (!Number.isFinite(this.speed)) return Number.NaN;
    return this.first + (this.timing.seconds() - this.startedAt) * this.speed * 1e9;
  }

  /** Waits until packets of a time are due. */
  async until(time: number, isStopped: () => boolean): Promise<void> {
    if (!Number.isFinite(this.speed) || Number.isNaN(time)) return;
    if (Number.isNaN(this.first)) {
      this.first = time;
      this.startedAt = this.timing.seconds();
    }
    while (!isStopped()) {
      const ahead = (time - this.position()) / 1e9 / this.speed;
      if (ahead <= SLACK_SECONDS) return;
      await this.timing.wait(Math.min(ahead, MOST_WAIT_SECONDS));
    }
  }
}
