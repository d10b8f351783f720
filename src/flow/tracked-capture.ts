import type { CaptureInterface, CaptureProblem } from "../capture/reader.ts";
import type { RecordingFile } from "../capture/recording-file.ts";
import type { FlowTracker } from "./tracker.ts";

/**
 * One part of a capture's packets with the tracker that followed them. A capture is one shard, or several that were
 * tracked by threads of their own; a conversation lies whole in one of them.
 */
export interface Shard {
  tracker: FlowTracker;
  /** Name of each observation point of the tracker, e.g. `lb1:eth0`. */
  pointNames: readonly string[];
}

/** A capture that was read to its end: its facts, and its legs. */
export interface TrackedCapture {
  /** As the user named it; `-` is stdin. */
  path: string;
  format: "pcap" | "pcapng";
  problems: readonly CaptureProblem[];
  interfaces: readonly CaptureInterface[];
  packets: number;
  bytes: number;
  /** Times of the first and last packet, ns since the run's base; NaN without packets. */
  firstTime: number;
  lastTime: number;
  /** Packets of link types that cannot be decoded, by LINKTYPE_ value. */
  skippedLinkTypes: ReadonlyMap<number, number>;
  shards: readonly Shard[];
  /** The files of a recording that was written into several; left out where `path` is all of it. */
  files?: readonly RecordingFile[];
}

/** The files of a capture, in the order of time. */
export function filesOf(capture: TrackedCapture): readonly RecordingFile[] {
  const { path, packets, bytes, firstTime, lastTime, problems } = capture;
  return capture.files ?? [{ path, framesBefore: 0, packets, bytes, firstTime, lastTime, problems }];
}

/** The file that a frame of a capture is in, and its number there. */
export function fileOfFrame({ path, files = [] }: TrackedCapture, frame: number): { path: string; frame: number } {
  const file = files.findLast(({ framesBefore }) => framesBefore < frame);
  return file === undefined ? { path, frame } : { path: file.path, frame: frame - file.framesBefore };
}
