import { openCapture } from "../../../src/capture/open.ts";
import { PacketBatch } from "../../../src/capture/packet-batch.ts";
import type { CaptureInterface, CaptureProblem, CaptureReader } from "../../../src/capture/reader.ts";
import type { TimeBase } from "../../../src/capture/time-base.ts";
import type { TrackedCapture } from "../../../src/flow/tracked-capture.ts";
import { ProgressSum } from "../../../src/offline/progress-sum.ts";
import { trackReader } from "../../../src/offline/track-one.ts";

/** A packet as a capture holds it. Its bytes are shared with other captures: copy them to change them. */
export interface SeenPacket {
  /** ns since the run's base. */
  time: number;
  bytes: Uint8Array;
  /** Bytes it had on the wire. */
  wire: number;
  /** Index into the capture's interfaces. */
  interface: number;
}

/** A capture in memory, packets in the order of its file. */
export interface SeenCapture {
  /** What the file is called; its point is named after it. */
  path: string;
  interfaces: readonly CaptureInterface[];
  problems: readonly CaptureProblem[];
  packets: readonly SeenPacket[];
}

/** Reads a capture to its end. */
export async function readSeen(path: string, timeBase: TimeBase): Promise<SeenCapture> {
  const reader = await openCapture(path, { timeBase });
  const packets: SeenPacket[] = [];
  try {
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      for (let i = 0; i < batch.count; i++) {
        const start = batch.offset[i] ?? 0;
        packets.push({
          time: batch.time[i] ?? Number.NaN,
          // a copy that is no Buffer: a Buffer's slice would share what it is cut from
          bytes: new Uint8Array(batch.bytes.subarray(start, start + (batch.captured[i] ?? 0))),
          wire: batch.wire[i] ?? 0,
          interface: batch.interface[i] ?? 0,
        });
      }
    }
    return { path, interfaces: reader.interfaces, problems: reader.problems, packets };
  } finally {
    await reader.close();
  }
}

/** Tracks captures in memory as those of files are tracked. */
export async function trackSeen(captures: readonly SeenCapture[], timeBase: TimeBase): Promise<TrackedCapture[]> {
  const tracked: TrackedCapture[] = [];
  for (const capture of captures) {
    tracked.push(await trackReader(new MemoryReader(capture), { timeBase }, new ProgressSum(null, undefined), {}));
  }
  return tracked;
}

/** Hands on a capture in memory, batch by batch. */
class MemoryReader implements CaptureReader {
  readonly path: string;
  readonly format = "pcapng";
  readonly interfaces: readonly CaptureInterface[];
  readonly problems: readonly CaptureProblem[];
  readonly progress = { readBytes: 0, totalBytes: null };
  private readonly packets: readonly SeenPacket[];
  private readonly batch = new PacketBatch();
  private at = 0;

  constructor({ path, interfaces, problems, packets }: SeenCapture) {
    this.path = path;
    this.interfaces = interfaces;
    this.problems = problems;
    this.packets = packets;
  }

  async next(): Promise<PacketBatch | null> {
    const packets = this.packets.slice(this.at, this.at + PacketBatch.CAPACITY);
    if (packets.length === 0) return null;
    const { batch } = this;
    batch.firstFrame = this.at + 1;
    batch.count = packets.length;
    batch.bytes = new Uint8Array(packets.reduce((sum, { bytes }) => sum + bytes.length, 0));
    batch.view = new DataView(batch.bytes.buffer);
    let offset = 0;
    packets.forEach((packet, i) => {
      batch.bytes.set(packet.bytes, offset);
      batch.offset[i] = offset;
      batch.captured[i] = packet.bytes.length;
      batch.wire[i] = packet.wire;
      batch.time[i] = packet.time;
      batch.interface[i] = packet.interface;
      offset += packet.bytes.length;
    });
    this.at += packets.length;
    return batch;
  }

  async close(): Promise<void> {}
}
