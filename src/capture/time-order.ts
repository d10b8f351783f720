import { PacketBatch } from "./packet-batch.ts";

/** Queues, processors and interfaces that write one file differ by less; beyond it a clock was set or files appended. */
const MOST_DISORDER_NS = 50e6;

/**
 * The order in which the packets of a batch passed. Captures of several receive queues or interfaces write packets up
 * to some milliseconds late, with their true times: an answer may stand before what it answers.
 */
export class TimeOrder {
  private readonly order = new Int32Array(PacketBatch.CAPACITY);

  /**
   * Indexes of a batch's packets by time; those of equal times, or without one, keep the order of the file.
   * @returns valid until the next call; null where the file's order is to be kept: it is right, or wrong by so much
   *   that the times themselves are in doubt
   */
  of({ count, time }: PacketBatch): Int32Array | null {
    let latest = Number.NEGATIVE_INFINITY;
    let disorder = 0;
    for (let i = 0; i < count; i++) {
      const now = time[i]!;
      if (now < latest) disorder = Math.max(disorder, latest - now);
      else if (now > latest) latest = now;
    }
    if (disorder === 0 || disorder > MOST_DISORDER_NS) return null;
    const { order } = this;
    for (let i = 0; i < count; i++) {
      const now = time[i]!;
      let at = i;
      while (at > 0 && time[order[at - 1]!]! > now) {
        order[at] = order[at - 1]!;
        at--;
      }
      order[at] = i;
    }
    return order;
  }
}
