import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { TrackerSnapshot } from "../flow/tracker.ts";

/** What a reading thread is to do. */
export interface WorkerJob {
  jobs: readonly { index: number; paths: readonly string[]; shard: number; shards: number }[];
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
