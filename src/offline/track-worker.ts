import { parentPort, type TransferListItem, workerData } from "node:worker_threads";
import { TimeBase } from "../capture/time-base.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { ProgressSum } from "./progress-sum.ts";
import { trackOne } from "./track-one.ts";
import type { WorkerJob, WorkerMessage } from "./worker-messages.ts";

const { jobs, timeBaseSeconds, maxLegs } = workerData as WorkerJob;
const timeBase = new TimeBase(timeBaseSeconds);
for (const { index, paths, shard, shards } of jobs) {
  const progress = new ProgressSum(null, ({ readBytes, packets }) => {
    parentPort?.postMessage({ kind: "progress", index, readBytes, packets } satisfies WorkerMessage);
  });
  const options = { timeBase, ...(maxLegs ? { maxLegs } : {}) };
  for (const part of await trackOne(paths, options, progress, { shard, shards })) handOver(index, part);
}

function handOver(index: number, { shards: tracked, ...capture }: TrackedCapture): void {
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
        ...(capture.files ? { files: capture.files.map((one) => ({ ...one, problems: [...one.problems] })) } : {}),
      },
      shards: snapshots,
    } satisfies WorkerMessage,
    memory,
  );
}
