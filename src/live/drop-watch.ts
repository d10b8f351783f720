import type { ProbeCost } from "../capture/live-source.ts";
import type { DropCounter } from "../probe/drop-counter.ts";
import { ProbeError } from "../probe/probe-error.ts";
import type { DropCount, LiveDrops } from "./live-model.ts";

/** What counts the kernel's drops; closed once. */
export type OpenDropCounter = () => Promise<Pick<DropCounter, "notes" | "read" | "cost" | "close">>;

/** The counter is asked this often, and rates are taken over it. */
const READ_SECONDS = 2;

/** The probe is loaded where it is wanted only: replays need nothing of it. */
export const openDropCounter: OpenDropCounter = async () =>
  (await import("../probe/drop-counter.ts")).DropCounter.open();

/** A session's count of the packets that the kernel dropped. Where there is no probe it says why, and the session goes on. */
export class DropWatch {
  private counter: Awaited<ReturnType<OpenDropCounter>> | null;
  private drops: LiveDrops;
  private cost: readonly ProbeCost[] = [];
  private readAt = Number.NEGATIVE_INFINITY;

  private constructor(counter: Awaited<ReturnType<OpenDropCounter>> | null, notes: readonly string[]) {
    this.counter = counter;
    this.drops = { counts: counter === null ? null : [], notes };
  }

  /** @throws what is no ProbeError: a mistake of ours */
  static async open(open: OpenDropCounter): Promise<DropWatch> {
    try {
      const counter = await open();
      return new DropWatch(counter, counter.notes);
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      return new DropWatch(null, [error.message]);
    }
  }

  /** @param now seconds of a clock that only goes forward */
  read(now: number): { drops: LiveDrops; probes: readonly ProbeCost[] } {
    if (now - this.readAt >= READ_SECONDS) this.update(now);
    return { drops: this.drops, probes: this.cost };
  }

  /** Takes the last count, which stays to be read, and gives the probe back. Safe to call twice. */
  close(now: number): void {
    this.update(now);
    this.counter?.close();
    this.counter = null;
  }

  private update(now: number): void {
    const { counter } = this;
    if (counter === null) return;
    try {
      this.count(counter, now);
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      counter.close();
      this.counter = null;
      this.drops = { ...this.drops, notes: [...this.drops.notes, error.message] };
    }
  }

  private count(counter: NonNullable<DropWatch["counter"]>, now: number): void {
    const before = new Map(this.drops.counts?.map(({ reason, packets }) => [reason, packets]));
    const elapsed = now - this.readAt;
    const read = counter.read();
    const counts = [...read].map(([reason, packets]): DropCount => {
      const grown = packets - (before.get(reason) ?? 0);
      return { reason, packets, packetsPerSecond: elapsed > 0 && Number.isFinite(elapsed) ? grown / elapsed : 0 };
    });
    counts.sort((a, b) => b.packets - a.packets || (a.reason < b.reason ? -1 : 1));
    this.drops = { counts, notes: this.drops.notes };
    this.cost = [counter.cost(counts.reduce((sum, { packets }) => sum + packets, 0))];
    this.readAt = now;
  }
}
