import type { Options, SingleBar } from "cli-progress";
import { formatBytes, formatCount, formatSeconds } from "./format-quantity.ts";

/** How far a run came. */
export interface Progress {
  readBytes: number;
  /** null where an input's size is not known. */
  totalBytes: number | null;
  packets: number;
}

/** A bar while captures are read. */
export interface ProgressBar {
  update(progress: Progress): void;
  /** Takes the bar off the terminal. Safe to call twice, and without a bar. */
  stop(): void;
}

/** Runs something with a bar on the terminal, which is gone before what it throws or returns arrives. */
export async function withProgressBar<T>(
  stream: NodeJS.WritableStream & { isTTY?: boolean },
  run: (report: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const bar = startProgressBar(stream);
  try {
    return await run((progress) => bar.update(progress));
  } finally {
    bar.stop();
  }
}

/** What ends sooner needs no bar. */
const PATIENCE_MS = 1000;
const NO_BAR: ProgressBar = { update: () => {}, stop: () => {} };

/**
 * A bar with rate and time left, on a terminal only and only once the run has taken a second.
 *
 * @param stream stderr: stdout is for results.
 */
export function startProgressBar(
  stream: NodeJS.WritableStream & { isTTY?: boolean },
  now: () => number = () => performance.now(),
): ProgressBar {
  if (stream.isTTY !== true) return NO_BAR;
  const started = now();
  let bar: SingleBar | null = null;
  let state: "waiting" | "loading" | "shown" | "stopped" = "waiting";
  let latest: Progress = { readBytes: 0, totalBytes: null, packets: 0 };
  const payload = () => ({ ...latest, seconds: (now() - started) / 1000 });
  const show = async (): Promise<void> => {
    state = "loading";
    const { default: cliProgress } = await import("cli-progress");
    if (state !== "loading") return;
    bar = new cliProgress.SingleBar({ ...OPTIONS, stream });
    bar.start(latest.totalBytes ?? 0, latest.readBytes, payload());
    state = "shown";
  };
  return {
    update(progress) {
      latest = progress;
      if (state === "waiting" && now() - started > PATIENCE_MS) void show();
      else bar?.update(progress.readBytes, payload());
    },
    stop() {
      state = "stopped";
      bar?.stop();
      bar = null;
    },
  };
}

const OPTIONS: Options = {
  format: (_options, { progress, maxWidth }, payload: Progress & { seconds: number }) =>
    progressLine(payload, progress, maxWidth),
  fps: 5,
  clearOnComplete: true,
  hideCursor: false,
  // true trims; anything else switches the terminal's own wrapping off, and Ctrl-C would leave it so
  linewrap: true,
  gracefulExit: false,
};

const BAR_COLUMNS = 24;

/** One line: `██████░░░ 42%  84.1 MB of 200 MB  1,204,112 packets  1,702,000/s  1.2 s left`. */
export function progressLine(progress: Progress & { seconds: number }, share: number, width: number): string {
  const { readBytes, totalBytes, packets, seconds } = progress;
  const rate = seconds > 0 ? packets / seconds : 0;
  const counted = `${formatCount(packets)} packets  ${formatCount(Math.round(rate))}/s`;
  if (totalBytes === null) return clip(`reading  ${formatBytes(readBytes)}  ${counted}`, width);
  const done = Math.min(BAR_COLUMNS, Math.max(0, Math.round(share * BAR_COLUMNS)));
  const bar = "█".repeat(done) + "░".repeat(BAR_COLUMNS - done);
  const left = readBytes > 0 ? (seconds * (totalBytes - readBytes)) / readBytes : Number.NaN;
  const parts = [
    `${bar} ${String(Math.floor(share * 100)).padStart(3)}%`,
    `${formatSeconds(Math.max(0, left))} left`,
    counted,
    `${formatBytes(readBytes)} of ${formatBytes(totalBytes)}`,
  ];
  return clip(parts.join("  "), width);
}

/** A line as wide as the terminal would wrap, and the bar would climb. */
function clip(line: string, width: number): string {
  return [...line].slice(0, Math.max(0, width - 1)).join("");
}
