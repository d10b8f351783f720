import { CaptureMerge } from "../capture/merge.ts";
import type { PacketBatch } from "../capture/packet-batch.ts";
import type { CaptureReader } from "../capture/reader.ts";
import { openRecording, recordingsOf, throughGaps } from "../capture/recording-reader.ts";
import type { TimeBase } from "../capture/time-base.ts";
import { inTimeOrder } from "../capture/time-order.ts";
import type { SourceFacts } from "./tracked-source.ts";

/** Packets of one file that come one after the other. */
export interface ReplaySlice {
  /** Index of the file. */
  reader: number;
  batch: PacketBatch;
  from: number;
  to: number;
  /** Time of the last of them, ns since the base; NaN where the file has none. */
  time: number;
}

/** A slice is no longer than this, so that a clock that goes by the packets' times is not held up. */
const MOST_PACKETS = 2048;
const MOST_NS = 50e6;

/** Captures read again as they came: one after the other by time, in slices. Files that follow one another in time. */
export class Replay {
  readonly readers: readonly CaptureReader[];
  private readonly merge: CaptureMerge;

  private constructor(readers: readonly CaptureReader[]) {
    this.readers = readers;
    this.merge = new CaptureMerge(readers);
  }

  /** @throws CaptureError where one of them is no capture. */
  static async open(paths: readonly string[], timeBase: TimeBase): Promise<Replay> {
    const readers: CaptureReader[] = [];
    try {
      for (const files of await recordingsOf(paths, timeBase)) {
        readers.push(inTimeOrder(throughGaps(await openRecording(files, { timeBase }))));
      }
    } catch (error) {
      await Promise.all(readers.map((reader) => reader.close()));
      throw error;
    }
    return new Replay(readers);
  }

  /** Slices in the order of time; each is valid until the next is asked for. */
  async *slices(): AsyncGenerator<ReplaySlice> {
    const { merge } = this;
    let slice: ReplaySlice | null = null;
    let began = Number.NaN;
    while (await merge.refill()) {
      while (merge.advance()) {
        const { reader, batch, index } = merge;
        const time = batch.time[index]!;
        if (slice !== null && slice.reader === reader && slice.batch === batch && slice.to === index) {
          if (index - slice.from < MOST_PACKETS && !(time - began > MOST_NS)) {
            slice.to = index + 1;
            if (!Number.isNaN(time)) slice.time = time;
            continue;
          }
        }
        if (slice !== null) yield slice;
        slice = { reader, batch, from: index, to: index + 1, time };
        began = time;
      }
      // refilling overwrites batches
      if (slice !== null) yield slice;
      slice = null;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.readers.map((reader) => reader.close()));
  }
}

/** What a session must know of a capture that is played back; interfaces and problems grow while it is read. */
export function factsOf(reader: CaptureReader): SourceFacts {
  return {
    name: reader.path,
    kind: "replay",
    format: reader.format,
    get interfaces() {
      return reader.interfaces;
    },
    get problems() {
      return reader.problems;
    },
  };
}
