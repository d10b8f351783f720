import { openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { endOfRun } from "../live/end-of-run.ts";
import type { LiveHandle, LiveOptions } from "../live/live-handle.ts";
import type { LiveModel } from "../live/live-model.ts";
import { startLive } from "../live/start-live.ts";
import { type ExporterOptions, startExporter } from "../metrics/exporter.ts";
import { dropsObjections } from "../metrics/serve-session.ts";

export interface WatchOptions {
  live: LiveOptions;
  /** Shows the dashboard, else watches to the end. */
  isInteractive: boolean;
  evidenceDirectory: string;
  exporter?: Omit<ExporterOptions, "onProblem">;
  onProblem: (line: string) => void;
}

/** Without a terminal nobody would end it. */
const WATCH_SECONDS = 10;

/**
 * Watches live, on the terminal or to the end.
 * @returns the last model, for who prints it; null where the dashboard showed it
 */
export async function watch(options: WatchOptions): Promise<LiveModel | null> {
  const { live, isInteractive } = options;
  const endless = live.sources.some(({ kind }) => kind === "interface");
  const isBounded = isInteractive || !endless || live.durationSeconds !== undefined;
  const handle = await startLive({
    ...live,
    countDrops: true,
    ...(isBounded ? {} : { durationSeconds: WATCH_SECONDS }),
  });
  try {
    // on the screen the view of probes says it
    if (options.exporter) for (const line of dropsObjections(handle.model())) options.onProblem(line);
    const exporter =
      options.exporter === undefined
        ? null
        : await startExporter(handle, { ...options.exporter, onProblem: options.onProblem });
    try {
      if (!isInteractive) {
        await endOfRun(handle.ended);
        return handle.model();
      }
      await dashboard(handle, options);
      return null;
    } finally {
      await exporter?.close();
    }
  } finally {
    await handle.stop();
  }
}

async function dashboard(handle: LiveHandle, { live, evidenceDirectory }: WatchOptions): Promise<void> {
  const { runDashboard } = await import("./run-dashboard.ts");
  const readsStdin = live.sources.some((source) => source.kind === "stream" && source.path === "-");
  // where packets come by stdin, keys come from the terminal itself
  const input = readsStdin ? new ReadStream(openSync("/dev/tty", "r")) : process.stdin;
  try {
    await runDashboard(handle, {
      output: process.stdout,
      input,
      evidenceDirectory,
      ...(live.durationSeconds === undefined ? {} : { until: handle.ended }),
    });
  } finally {
    if (readsStdin) input.destroy();
  }
}
