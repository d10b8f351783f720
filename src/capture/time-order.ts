import { PacketBatch } from "./packet-batch.ts";
import type { CaptureReader } from "./reader.ts";

/** Queues, processors and interfaces that write one file differ by less; beyond it a clock was set or files appended. */
export const MOST_DISORDER_NS = 50e6;

/**
 * Reads a capture in the order in which its packets passed, batch by batch. Captures of several receive queues or
 * interfaces write packets up to some milliseconds late, with their true times: an answer may stand before what it
 * answers.
 */
export function inTimeOrder(reader: CaptureReader): CaptureReader {
  const timeOrder = new TimeOrder();
  return {
    path: reader.path,
    format: reader.format,
    get interfaces() {
      return reader.interfaces;
    },
    get problems() {
      return reader.problems;
    },
    get progress() {
      return reader.progress;
    },
    async next() {
      const batch = await reader.next();
      if (batch !== null) timeOrder.sort(batch);
      return batch;
    },
    close: () => reader.close(),
  };
}

/** Puts the packets of one batch after another in the order of their times. */
export class TimeOrder {
  private readonly place = new Int32Array(PacketBatch.CAPACITY);
  private readonly words = new Int32Array(PacketBatch.CAPACITY);
  private readonly times = new Float64Array(PacketBatch.CAPACITY);

  /**
   * Packets of equal times, or without one, keep the order of the file; so does the whole batch where its times are in
   * doubt, for they run back by more than queues do.
   */
  sort(batch: PacketBatch): void {
    batch.place = null;
    const disorder = disorderOf(batch);
    if (disorder === 0 || disorder > MOST_DISORDER_NS) return;
    const { count, time } = batch;
    const { place, times, words } = this;
    for (let i = 0; i < count; i++) {
      const now = time[i]!;
      let at = i;
      while (at > 0 && time[place[at - 1]!]! > now) {
        place[at] = place[at - 1]!;
        at--;
      }
      place[at] = i;
    }
    permute(time, place, count, times);
    permute(batch.offset, place, count, words);
    permute(batch.captured, place, count, words);
    permute(batch.wire, place, count, words);
    permute(batch.interface, place, count, words);
    batch.place = place;
  }
}

/** By how much times run back at most, ns. */
function disorderOf({ count, time }: PacketBatch): number {
  let latest = Number.NEGATIVE_INFINITY;
  let disorder = 0;
  for (let i = 0; i < count; i++) {
    const now = time[i]!;
    if (now < latest) disorder = Math.max(disorder, latest - now);
    else if (now > latest) latest = now;
  }
  return disorder;
}

function permute<Column extends Int32Array | Float64Array>(
  column: Column,
  place: Int32Array,
  count: number,
  space: Column,
): void {
  space.set(column.subarray(0, count));
  for (let i = 0; i < count; i++) column[i] = space[place[i]!]!;
}
