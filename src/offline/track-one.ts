import { observationPoint } from "../capture/point-name.ts";
import type { CaptureInterface, CaptureReader } from "../capture/reader.ts";
import { openRecording, type RecordingReader } from "../capture/recording-reader.ts";
import type { TimeBase } from "../capture/time-base.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { FlowTracker, type TrackerOptions } from "../flow/tracker.ts";
import type { ProgressSum, TrackProgress } from "./progress-sum.ts";
import { trackCapture } from "./track-capture.ts";

export interface TrackOptions {
  timeBase: TimeBase;
  maxLegs?: number;
  /** Threads to use at most; by default one, and two for a gigabyte or more where there are processors to spare. */
  threads?: number;
  stdin?: NodeJS.ReadableStream;
  onProgress?: (progress: TrackProgress) => void;
}

/**
 * Opens one recording and tracks it, or one shard of its conversations.
 *
 * @returns several captures where its files do not follow one another
 */
export async function trackOne(
  paths: readonly string[],
  options: TrackOptions,
  progress: ProgressSum,
  part: Pick<TrackerOptions, "shard" | "shards">,
): Promise<TrackedCapture[]> {
  const reader = await openRecording(paths, options);
  try {
    return await trackRecording(reader, options, progress, part);
  } finally {
    await reader.close();
  }
}

/** Tracks an open recording to its end, and those behind it; the reader stays the caller's to close. */
export async function trackRecording(
  reader: RecordingReader,
  options: TrackOptions,
  progress: ProgressSum,
  part: Pick<TrackerOptions, "shard" | "shards">,
): Promise<TrackedCapture[]> {
  const captures: TrackedCapture[] = [];
  for (let one: RecordingReader | null = reader; one !== null; one = one.rest) {
    const capture = await trackReader(one, options, progress, part);
    captures.push(one.files.length > 1 ? { ...capture, files: one.files } : capture);
  }
  return captures;
}

/** Tracks an open capture to its end; the reader stays the caller's to close. */
export async function trackReader(
  reader: CaptureReader,
  options: TrackOptions,
  progress: ProgressSum,
  part: Pick<TrackerOptions, "shard" | "shards">,
): Promise<TrackedCapture> {
  const tracker = new FlowTracker({ ...part, ...(options.maxLegs ? { maxLegs: options.maxLegs } : {}) });
  // A shard's reading is counted once: by shard 0.
  const report = (part.shard ?? 0) === 0 ? progress.source() : null;
  const skippedLinkTypes = await trackCapture(reader, tracker, () => {
    report?.(reader.progress.readBytes, tracker.totals.packets);
  });
  const { totals, points } = tracker;
  const times = points.list.flatMap((point) => [point.firstTime, point.lastTime]).filter((time) => !Number.isNaN(time));
  return {
    path: reader.path,
    format: reader.format,
    problems: reader.problems,
    interfaces: reader.interfaces,
    packets: totals.packets,
    bytes: totals.bytes,
    firstTime: times.length > 0 ? Math.min(...times) : Number.NaN,
    lastTime: times.length > 0 ? Math.max(...times) : Number.NaN,
    skippedLinkTypes,
    shards: [{ tracker, pointNames: pointNames(reader.path, reader.interfaces, tracker) }],
  };
}

function pointNames(path: string, interfaces: readonly CaptureInterface[], tracker: FlowTracker): string[] {
  return tracker.points.list.map((point) =>
    observationPoint(path, interfaces[point.interface]?.name ?? null, point.interfaceIndex || undefined),
  );
}
