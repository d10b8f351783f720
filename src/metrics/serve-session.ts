import type { LiveHandle, LiveOptions } from "../live/live-handle.ts";
import { startLive } from "../live/start-live.ts";
import { type Exporter, type ExporterOptions, startExporter } from "./exporter.ts";

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
  const handle = await startLive(live);
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
