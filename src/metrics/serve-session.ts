import type { LiveHandle, LiveOptions } from "../live/live-handle.ts";
import type { LiveModel } from "../live/live-model.ts";
import { startLive } from "../live/start-live.ts";
import { type Exporter, type ExporterOptions, startExporter } from "./exporter.ts";

/** What a session's count of drops lacks, as lines for the user. */
export function dropsObjections({ drops }: Pick<LiveModel, "drops">): string[] {
  const lack = drops?.counts === null ? "no l4scope_drops_total" : "l4scope_drops_total";
  return (drops?.notes ?? []).map((note) => `${lack}: ${note}`);
}

/** A session whose metrics are served. */
export interface Serving {
  url: string;
  handle: LiveHandle;
  stop(): Promise<void>;
}

/**
 * Watches, and serves the metrics of it until it is stopped: also after a replay's end, for its last figures stay.
 *
 * @throws ExporterError, WebConfigError before anything is watched; what opening a source throws
 */
export async function serve(live: LiveOptions, options: ExporterOptions): Promise<Serving> {
  const handle = await startLive({ countDrops: true, ...live });
  for (const line of dropsObjections(handle.model())) options.onProblem?.(line);
  let exporter: Exporter;
  try {
    exporter = await startExporter(handle, options);
  } catch (error) {
    await handle.stop();
    throw error;
  }
  return {
    url: exporter.url,
    handle,
    stop: async () => {
      await exporter.close();
      await handle.stop();
    },
  };
}
