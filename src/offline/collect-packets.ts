import { statSync } from "node:fs";
import { openRecording } from "../capture/recording-reader.ts";
import type { TimeBase } from "../capture/time-base.ts";
import { inTimeOrder } from "../capture/time-order.ts";
import { Decoder } from "../decode/decode.ts";
import { Packet } from "../decode/packet.ts";
import { ICMP_ERROR } from "../flow/event-log.ts";
import type { LegView } from "../flow/leg-view.ts";
import { filesOf } from "../flow/tracked-capture.ts";
import { FlowTracker } from "../flow/tracker.ts";
import type { Direction, LegPacket } from "../path/leg-packet.ts";
import type { LegRef, LegSet, Track } from "../path/leg-set.ts";
import type { TrackProgress } from "./progress-sum.ts";

export interface CollectOptions {
  /** That of the first pass. */
  timeBase: TimeBase;
  /** That of the first pass: legs get the same numbers only where as many are kept. */
  maxLegs?: number;
  /** Bytes kept of each packet; all where left out. */
  keepBytes?: number;
  /** Memory for packets; beyond it they are only counted. */
  maxBytes?: number;
  onProgress?: (progress: TrackProgress) => void;
}

export interface CollectedPackets {
  /** Capture by capture, each in file order. */
  packets: LegPacket[];
  /** Packets of the legs asked for that found no room. */
  left: number;
}

export const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;
/** What a packet takes besides its bytes. */
const OVERHEAD_BYTES = 400;
/** Bytes of many packets share one piece of memory: a buffer of its own costs more than a small packet. */
const SLAB_BYTES = 1 << 20;
/** Later fragments of a leg's last datagram come behind what the leg counts as its last frame. */
const FRAMES_BEHIND = 64;

/** The captures among these that cannot be read a second time: stdin, pipes, devices. */
export function readableOnce(paths: readonly string[]): string[] {
  return paths.filter((path) => path === "-" || statSync(path, { throwIfNoEntry: false })?.isFile() === false);
}

/**
 * Reads captures a second time for the packets of some legs, and the ICMP errors that quote them. Tracking is
 * deterministic: the same packets through the same trackers give every leg the number it had the first time.
 *
 * @param set the legs of the first pass, as they were after it
 * @throws CaptureError where a capture can no longer be read
 */
export async function collectPackets(
  set: LegSet,
  legs: Iterable<LegRef>,
  options: CollectOptions,
): Promise<CollectedPackets> {
  const wanted = wantedByCapture(set, legs);
  const collected: CollectedPackets = { packets: [], left: 0 };
  const room = { bytes: options.maxBytes ?? DEFAULT_MAX_BYTES };
  const total = [...wanted.keys()].reduce((sum, capture) => sum + sizeOf(pathsOf(set, capture)), 0);
  const done = { bytes: 0, packets: 0 };
  for (const [capture, want] of [...wanted].toSorted(([a], [b]) => a - b)) {
    const read = await collectFrom(set, capture, want, options, collected, room, (readBytes, packets) => {
      options.onProgress?.({ readBytes: done.bytes + readBytes, totalBytes: total, packets: done.packets + packets });
    });
    done.bytes += sizeOf(pathsOf(set, capture));
    done.packets += read;
  }
  return collected;
}

/** What is wanted of one capture. */
interface Wanted {
  /** Of each shard, the leg's reference by its number. */
  shards: (Map<number, LegRef> | null)[];
  /** Frames of ICMP errors, with the leg that each quotes. */
  errors: Map<number, LegRef>;
  lastFrame: number;
}

function wantedByCapture(set: LegSet, legs: Iterable<LegRef>): Map<number, Wanted> {
  const shardsOf = new Map<number, Track[]>();
  for (const track of set.tracks) shardsOf.set(track.capture, [...(shardsOf.get(track.capture) ?? []), track]);
  const wanted = new Map<number, Wanted>();
  for (const ref of legs) {
    const track = set.trackOf(ref);
    const shards = shardsOf.get(track.capture)!;
    let want = wanted.get(track.capture);
    if (!want) {
      want = { shards: shards.map(() => null), errors: new Map(), lastFrame: 0 };
      wanted.set(track.capture, want);
    }
    const shard = shards.indexOf(track);
    const numbers = want.shards[shard] ?? new Map<number, LegRef>();
    want.shards[shard] = numbers.set(set.legOf(ref), ref);
    want.lastFrame = Math.max(want.lastFrame, set.view(ref).lastFrame);
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind !== ICMP_ERROR) continue;
      want.errors.set(event.frame, ref);
      want.lastFrame = Math.max(want.lastFrame, event.frame);
    }
  }
  return wanted;
}

/** @returns packets read */
async function collectFrom(
  set: LegSet,
  capture: number,
  want: Wanted,
  options: CollectOptions,
  collected: CollectedPackets,
  room: { bytes: number },
  report: (readBytes: number, packets: number) => void,
): Promise<number> {
  const shards = want.shards.length;
  const followers = want.shards.flatMap((numbers, shard) =>
    numbers === null
      ? []
      : [
          {
            numbers,
            tracker: new FlowTracker({ shard, shards, ...(options.maxLegs ? { maxLegs: options.maxLegs } : {}) }),
          },
        ],
  );
  const keepBytes = options.keepBytes ?? Number.POSITIVE_INFINITY;
  const lastFrame = want.lastFrame + FRAMES_BEHIND;
  const decoder = new Decoder();
  const packet = new Packet();
  const slab = new Slab();
  let read = 0;
  // as they were tracked, so that legs get the same numbers
  const reader = inTimeOrder(await openRecording(pathsOf(set, capture), { timeBase: options.timeBase }));
  try {
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      const { offset, captured, wire, time, view, bytes } = batch;
      for (let i = 0; i < batch.count; i++) {
        const linkType = reader.interfaces[batch.interface[i]!]!.linkType;
        packet.time = time[i]!;
        packet.frame = batch.frame(i);
        packet.interface = batch.interface[i]!;
        decoder.decode(packet, view, offset[i]!, captured[i]!, wire[i]!, linkType);
        let leg = want.errors.get(packet.frame);
        const isError = leg !== undefined;
        for (const { numbers, tracker } of followers) leg = numbers.get(tracker.track(packet, view)) ?? leg;
        if (leg === undefined) continue;
        const kept = Math.min(captured[i]!, keepBytes);
        if (room.bytes < kept + OVERHEAD_BYTES) {
          room.bytes = 0;
          collected.left++;
          continue;
        }
        room.bytes -= kept + OVERHEAD_BYTES;
        collected.packets.push({
          leg,
          capture,
          interface: packet.interface,
          linkType,
          direction: directionOf(packet, set.view(leg), isError),
          frame: packet.frame,
          time: packet.time,
          wireLength: wire[i]!,
          bytes: slab.copy(bytes.subarray(offset[i]!, offset[i]! + kept)),
          isError,
        });
      }
      read = batch.firstFrame + batch.count - 1;
      report(reader.progress.readBytes, read);
      if (read > lastFrame) break;
    }
    return read;
  } finally {
    await reader.close();
  }
}

/** Copies of what a reader will overwrite. */
class Slab {
  private memory = new Uint8Array(0);
  private used = 0;

  copy(bytes: Uint8Array): Uint8Array {
    if (this.used + bytes.length > this.memory.length) {
      this.memory = new Uint8Array(Math.max(SLAB_BYTES, bytes.length));
      this.used = 0;
    }
    const copy = this.memory.subarray(this.used, this.used + bytes.length);
    copy.set(bytes);
    this.used += bytes.length;
    return copy;
  }
}

function directionOf(p: Packet, { src, srcPort }: LegView, isError: boolean): Direction {
  // an error travels back to the sender of what it quotes
  const from = isError ? [p.quotedDst0, p.quotedDst1, p.quotedDst2, p.quotedDst3] : [p.src0, p.src1, p.src2, p.src3];
  const port = isError ? p.quotedDstPort : p.srcPort;
  return port === srcPort && from.every((word, i) => word === src[i]) ? "up" : "down";
}

function pathsOf(set: LegSet, capture: number): string[] {
  return filesOf(set.captures[capture]!).map(({ path }) => path);
}

function sizeOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}
