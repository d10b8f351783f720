import type { PacketBatch } from "./packet-batch.ts";
import type { CaptureReader } from "./reader.ts";

/** What is left of one reader's current batch. */
interface Lane {
  batch: PacketBatch | null;
  /** Packet of the batch that is next. */
  index: number;
  /** Its time; that of the packet before it in the file where it has none. */
  time: number;
  ended: boolean;
}

/**
 * Several captures as one, in the order of time: a cursor over their packets that allocates nothing per packet.
 *
 * ```ts
 * while (await merge.refill()) {
 *   while (merge.advance()) use(merge.reader, merge.batch, merge.index);
 * }
 * ```
 *
 * Packets of one file keep their order, whatever their times; one without a time goes right behind the one before it.
 * At equal times the file given first comes first.
 */
export class CaptureMerge {
  /** Index in the readers given, of the packet that `advance` came to. */
  reader = 0;
  /** Its batch, valid until `refill`. */
  batch!: PacketBatch;
  /** Its place in the batch. */
  index = 0;

  readonly #readers: readonly CaptureReader[];
  readonly #lanes: Lane[];
  /** The lane that is being drained, -1 where one must be chosen. */
  #current = -1;
  /** Time and lane of the earliest packet among the others. */
  #limit = Number.POSITIVE_INFINITY;
  #limitLane = -1;

  constructor(readers: readonly CaptureReader[]) {
    this.#readers = readers;
    this.#lanes = readers.map(() => ({ batch: null, index: 0, time: Number.NEGATIVE_INFINITY, ended: false }));
  }

  /** Reads the next batch of every reader whose last one is used up. False when all have ended. */
  async refill(): Promise<boolean> {
    await Promise.all(
      this.#lanes.map(async (lane, i) => {
        if (lane.ended || (lane.batch !== null && lane.index < lane.batch.count)) return;
        lane.batch = (await this.#readers[i]?.next()) ?? null;
        lane.ended = lane.batch === null;
        lane.index = 0;
        takeTime(lane);
      }),
    );
    this.#current = -1;
    return this.#lanes.some((lane) => !lane.ended);
  }

  /** Steps to the next packet. False where `refill` must be called first. */
  advance(): boolean {
    const lanes = this.#lanes;
    let lane = lanes[this.#current];
    if (
      lane === undefined ||
      lane.time > this.#limit ||
      (lane.time === this.#limit && this.#current > this.#limitLane)
    ) {
      this.#choose();
      lane = lanes[this.#current];
      if (lane === undefined) return false;
    }
    // an empty lane may yet bring an earlier packet than any other
    if (lane.batch === null || lane.index >= lane.batch.count) return false;
    this.reader = this.#current;
    this.batch = lane.batch;
    this.index = lane.index++;
    takeTime(lane);
    return true;
  }

  /** Picks the lane with the earliest packet, and the earliest of the others as how far it may go. */
  #choose(): void {
    let best = -1;
    let bestTime = Number.POSITIVE_INFINITY;
    this.#limit = Number.POSITIVE_INFINITY;
    this.#limitLane = -1;
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = this.#lanes[i] as Lane;
      if (lane.ended) continue;
      if (best < 0 || lane.time < bestTime) {
        this.#limit = bestTime;
        this.#limitLane = best;
        best = i;
        bestTime = lane.time;
      } else if (this.#limitLane < 0 || lane.time < this.#limit) {
        this.#limit = lane.time;
        this.#limitLane = i;
      }
    }
    this.#current = best;
  }
}

/** Sets the lane's time to that of its next packet, if there is one and it has a time. */
function takeTime(lane: Lane): void {
  if (lane.batch === null || lane.index >= lane.batch.count) return;
  const time = lane.batch.time[lane.index] as number;
  if (!Number.isNaN(time)) lane.time = time;
}
