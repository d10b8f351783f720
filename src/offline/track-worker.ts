import { parentPort, type TransferListItem, workerData } from "node:worker_threads";
import { TimeBase } from "../capture/time-base.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { TrackerSnapshot } from "../flow/tracker.ts";
import { ProgressSum, trackOne } from "./track-captures.ts";

/** What a reading thread is to do. */
export interface WorkerJob {
  jobs: readonly { index: number; path: string; shard: number; shards: number }[];
  timeBaseSeconds: number | null;
  maxLegs: number | null;
}

/** What it tells while and after it does. */
export type WorkerMessage =
  | { kind: "progress"; index: number; readBytes: number; packets: number }
  | {
      kind: "done";
      index: number;
      capture: Omit<TrackedCapture, "shards">;
      shards: { tracker: TrackerSnapshot; pointNames: readonly string[] }[];
    };

const { jobs, timeBaseSeconds, maxLegs } = workerData as WorkerJob;
const timeBase = new TimeBase(timeBaseSeconds);
for (const { index, path, shard, shards } of jobs) {
  const progress = new ProgressSum(null, ({ readBytes, packets }) => {
    parentPort?.postMessage({ kind: "progress", index, readBytes, packets } satisfies WorkerMessage);
  });
  const options = { timeBase, ...(maxLegs ? { maxLegs } : {}) };
  const { shards: tracked, ...capture } = await trackOne(path, options, progress, { shard, shards });
  const snapshots = tracked.map(({ tracker, pointNames }) => ({ tracker: tracker.snapshot(), pointNames }));
  const memory: TransferListItem[] = snapshots.flatMap(({ tracker }) => [
    ...tracker.legs.segments,
    ...tracker.events.segments,
    tracker.legs.slots.buffer,
  ]);
  parentPort?.postMessage(
    // Problems and interfaces grow while reading: what the reader shows through getters is copied.
    {
      kind: "done",
      index,
      capture: {
        ...capture,
        problems: [...capture.problems],
        interfaces: capture.interfaces.map((one) => ({ ...one })),
      },
      shards: snapshots,
    } satisfies WorkerMessage,
    memory,
  );
}
