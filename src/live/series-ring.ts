import type { LiveSeries } from "./live-model.ts";

/** Seconds that charts go back. */
const SECONDS = 900;
/** Connect times kept of a second, at most: enough for a 99th percentile of a chart. */
const SAMPLES = 200;

interface Second {
  second: number;
  opened: number;
  resets: number;
  retransmits: number;
  /** Seconds; a sample where there are many. */
  connects: number[];
  connectCount: number;
}

/** What charts show: a value per second for 15 minutes. */
export class SeriesRing {
  private readonly slots: (Second | null)[] = new Array<Second | null>(SECONDS).fill(null);

  add(seconds: number, field: "opened" | "resets" | "retransmits", value: number): void {
    const slot = this.slotOf(seconds);
    if (slot) slot[field] += value;
  }

  addConnect(seconds: number, connectSeconds: number): void {
    const slot = this.slotOf(seconds);
    if (!slot) return;
    slot.connectCount++;
    if (slot.connects.length < SAMPLES) slot.connects.push(connectSeconds);
    // each of a second's has the same chance to stay; by a count instead of chance, so that runs can be repeated
    else slot.connects[Math.imul(slot.connectCount, 0x9e3779b1) % SAMPLES] = connectSeconds;
  }

  /**
   * @param now seconds since the base, as `begun`, before which nothing is told
   * @param baseSeconds epoch second of time 0
   */
  read(now: number, begun: number, baseSeconds: number): LiveSeries {
    const last = Math.floor(now);
    const first = Math.max(Math.floor(begun), last - SECONDS + 1);
    const seconds = Array.from({ length: last - first + 1 }, (_, i) => {
      const slot = this.slots[placeOf(first + i)];
      return slot?.second === first + i ? slot : null;
    });
    const sorted = seconds.map((one) => one?.connects.toSorted((a, b) => a - b) ?? []);
    const at = (times: readonly number[], q: number) =>
      times.length === 0 ? Number.NaN : times[Math.min(times.length - 1, Math.ceil(q * times.length) - 1)]!;
    return {
      from: baseSeconds + first,
      opened: seconds.map((one) => one?.opened ?? 0),
      resets: seconds.map((one) => one?.resets ?? 0),
      retransmits: seconds.map((one) => one?.retransmits ?? 0),
      connectP50: sorted.map((times) => at(times, 0.5)),
      connectP99: sorted.map((times) => at(times, 0.99)),
    };
  }

  private slotOf(seconds: number): Second | null {
    const second = Math.floor(seconds);
    const known = this.slots[placeOf(second)];
    if (known?.second === second) return known;
    if (known && known.second > second) return null;
    const slot = { second, opened: 0, resets: 0, retransmits: 0, connects: [], connectCount: 0 };
    this.slots[placeOf(second)] = slot;
    return slot;
  }
}

/** Times may lie before the base. */
function placeOf(second: number): number {
  return ((second % SECONDS) + SECONDS) % SECONDS;
}
