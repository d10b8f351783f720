import { closeSync, openSync, readSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { openCapture } from "../capture/open.ts";
import { openRecording, type RecordingReader, recordingsOf } from "../capture/recording-reader.ts";
import { sniff } from "../capture/sniff.ts";
import type { TimeBase } from "../capture/time-base.ts";
import type { Shard, TrackedCapture } from "../flow/tracked-capture.ts";
import { FlowTracker } from "../flow/tracker.ts";
import { ProgressSum } from "./progress-sum.ts";
import { type TrackOptions, trackOne, trackRecording } from "./track-one.ts";
import type { WorkerJob, WorkerMessage } from "./worker-messages.ts";
import { keepYoungGenerationSmall } from "./young-generation.ts";

/** Below this a second thread costs more than it saves: starting one takes some 50 ms. */
const WORTH_A_THREAD_BYTES = 48e6;
/**
 * Threads are taken unasked only for this much, and where there are processors to spare: on two processors that share a
 * core's caches a second thread made 200 to 400 MB slower (0.66 s against 0.52 s), not faster.
 */
const WORTH_THREADS_UNASKED_BYTES = 1e9;
const SPARE_PROCESSORS = 4;
const DEFAULT_THREADS = 2;

/** One recording, or one shard of its conversations, for one thread. */
interface Job {
  index: number;
  paths: readonly string[];
  bytes: number;
  shard: number;
  shards: number;
}

/**
 * Reads captures to their ends and tracks all their legs, on several threads where that pays. Files that one recording
 * was split into are one capture.
 *
 * @returns one entry per recording, in the order in which they were named
 * @throws CaptureError where one of them is no capture at all, before any of them is read to its end
 */
export async function trackCaptures(paths: readonly string[], options: TrackOptions): Promise<TrackedCapture[]> {
  keepYoungGenerationSmall();
  const sizes = paths.map(sizeOf);
  const known = sizes.every((size) => size !== null);
  const total = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const processors = availableParallelism();
  const unasked = total >= WORTH_THREADS_UNASKED_BYTES && processors >= SPARE_PROCESSORS ? DEFAULT_THREADS : 1;
  const threads = Math.min(options.threads ?? unasked, processors);
  const progress = new ProgressSum(known ? total : null, options.onProgress);
  const recordings = await recordingsOf(paths, options.timeBase);
  if (threads < 2 || total < WORTH_A_THREAD_BYTES || !known) return trackInline(recordings, options, progress);

  await firstTime(paths, options.timeBase);
  const plan = planJobs(recordings, total, threads);
  const parts: { index: number; part: TrackedCapture }[] = [];
  const others = plan.slice(1).map((jobs) => runWorker(jobs, options, progress));
  const own = (async () => {
    for (const job of plan[0] ?? []) {
      const tracked = await trackOne(job.paths, options, progress, { shard: job.shard, shards: job.shards });
      for (const part of tracked) parts.push({ index: job.index, part });
    }
  })();
  const [, ...done] = await Promise.all([own, ...others]);
  for (const theirs of done) parts.push(...theirs);
  return recordings.flatMap((_, index) => joinShards(parts.filter((part) => part.index === index)));
}

async function trackInline(
  recordings: readonly (readonly string[])[],
  options: TrackOptions,
  progress: ProgressSum,
): Promise<TrackedCapture[]> {
  // All are opened before the first is read, so that a wrong name costs no waiting.
  const readers: RecordingReader[] = [];
  try {
    for (const paths of recordings) readers.push(await openRecording(paths, options));
    const captures: TrackedCapture[] = [];
    for (const reader of readers) captures.push(...(await trackRecording(reader, options, progress, {})));
    return captures;
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

/** Puts the shards of each capture of a recording together; what is counted once was counted by shard 0. */
function joinShards(parts: readonly { part: TrackedCapture }[]): TrackedCapture[] {
  const paths = [...new Set(parts.map(({ part }) => part.path))];
  return paths.map((path) => {
    const own = parts.map(({ part }) => part).filter((part) => part.path === path);
    const first = own.find((part) => part.packets > 0) ?? own[0]!;
    return { ...first, shards: own.flatMap((part): readonly Shard[] => part.shards) };
  });
}

/** Sets the run's time base from the first packet there is, so that all threads share it. */
async function firstTime(paths: readonly string[], timeBase: TimeBase): Promise<void> {
  for (const path of paths) {
    const reader = await openCapture(path, { timeBase });
    try {
      if (timeBase.seconds === null) await reader.next();
    } finally {
      await reader.close();
    }
  }
}

/**
 * Shares the work: files that are large and can be read at any place are sharded, other recordings go whole to the
 * idlest.
 */
function planJobs(recordings: readonly (readonly string[])[], total: number, threads: number): Job[][] {
  const plan: Job[][] = Array.from({ length: threads }, () => []);
  const load = new Array<number>(threads).fill(0);
  const works = recordings
    .map((paths, index) => ({ index, paths, bytes: paths.reduce((sum, path) => sum + (sizeOf(path) ?? 0), 0) }))
    .sort((a, b) => b.bytes - a.bytes);
  for (const { index, paths, bytes } of works) {
    const isLarge = bytes > WORTH_A_THREAD_BYTES && bytes > (0.6 * total) / threads;
    if (isLarge && paths.length === 1 && !isCompressed(paths[0]!)) {
      for (let shard = 0; shard < threads; shard++) {
        plan[shard]?.push({ index, paths, bytes, shard, shards: threads });
        load[shard]! += bytes / threads;
      }
    } else {
      const idlest = load.indexOf(Math.min(...load));
      plan[idlest]?.push({ index, paths, bytes, shard: 0, shards: 1 });
      load[idlest]! += bytes;
    }
  }
  return plan;
}

/** Unbuilt, the thread needs tsx to be registered in itself: neither hooks nor `--import tsx` reach into it. */
function startWorker(job: WorkerJob): Worker {
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./track-worker.js", import.meta.url), { workerData: job });
  }
  const tsx = import.meta.resolve("tsx/esm/api");
  const script = new URL("./track-worker.ts", import.meta.url).href;
  const start = `import(${JSON.stringify(tsx)}).then((tsx) => (tsx.register(), import(${JSON.stringify(script)})))`;
  return new Worker(start, { eval: true, workerData: job });
}

function runWorker(
  jobs: readonly Job[],
  options: TrackOptions,
  progress: ProgressSum,
): Promise<{ index: number; part: TrackedCapture }[]> {
  if (jobs.length === 0) return Promise.resolve([]);
  const job: WorkerJob = {
    jobs: jobs.map(({ index, paths, shard, shards }) => ({ index, paths, shard, shards })),
    timeBaseSeconds: options.timeBase.seconds,
    maxLegs: options.maxLegs ?? null,
  };
  return new Promise((resolve, reject) => {
    const worker = startWorker(job);
    const sources = new Map<number, (readBytes: number, packets: number) => void>();
    const results: { index: number; part: TrackedCapture }[] = [];
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "progress") {
        const source = sources.get(message.index) ?? progress.source();
        sources.set(message.index, source);
        source(message.readBytes, message.packets);
        return;
      }
      const shards = message.shards.map(({ tracker, pointNames }) => ({
        tracker: FlowTracker.restore(tracker),
        pointNames,
      }));
      results.push({ index: message.index, part: { ...message.capture, shards } });
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code === 0) resolve(results);
      else reject(new Error(`a reading thread ended with code ${code}`));
    });
  });
}

/** null for what has no size: stdin, pipes, and what cannot be looked at (opening it will say why). */
function sizeOf(path: string): number | null {
  if (path === "-") return null;
  try {
    const status = statSync(path);
    return status.isFile() ? status.size : null;
  } catch {
    return null;
  }
}

function isCompressed(path: string): boolean {
  const head = Buffer.alloc(16);
  const file = openSync(path, "r");
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  const format = sniff(head);
  return format !== "pcap" && format !== "pcapng";
}
