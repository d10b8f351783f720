import type { TimeBase } from "../capture/time-base.ts";
import { type Diagnosis, diagnose } from "../diagnose/diagnose.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { type Connected, connect } from "../path/connect.ts";
import { trackCaptures } from "./track-captures.ts";
import type { TrackOptions } from "./track-one.ts";

/** Captures that were read to their ends, joined and judged. */
export interface AnalyzedCaptures {
  captures: readonly TrackedCapture[];
  connected: Connected;
  diagnosis: Diagnosis;
  /** The zero of all times in it. */
  timeBase: TimeBase;
}

/**
 * Reads captures, joins their legs into connections and looks for what is wrong with them: all that `analyze` does
 * before it shows anything.
 *
 * @throws CaptureError where one of the paths is no capture at all.
 */
export async function analyzeCaptures(paths: readonly string[], options: TrackOptions): Promise<AnalyzedCaptures> {
  const captures = await trackCaptures(paths, options);
  const connected = connect(captures);
  return { captures, connected, diagnosis: diagnose(connected), timeBase: options.timeBase };
}
