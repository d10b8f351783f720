import type { TimeBase } from "../capture/time-base.ts";
import { type Diagnosis, diagnose } from "../diagnose/diagnose.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { type Connected, connect } from "../path/connect.ts";
import { type InferredTopology, inferTopology } from "../path/infer-topology.ts";
import type { Topology } from "../topology/topology.ts";
import { trackCaptures } from "./track-captures.ts";
import type { TrackOptions } from "./track-one.ts";

export interface AnalyzeOptions extends TrackOptions {
  /** What is known of the set-up besides the packets. */
  topology?: Topology | null;
}

/** Captures that were read to their ends, joined and judged. */
export interface AnalyzedCaptures {
  captures: readonly TrackedCapture[];
  connected: Connected;
  topology: InferredTopology;
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
export async function analyzeCaptures(paths: readonly string[], options: AnalyzeOptions): Promise<AnalyzedCaptures> {
  return analyzeTracked(await trackCaptures(paths, options), options);
}

/** The same of captures that were read already. */
export function analyzeTracked(
  captures: readonly TrackedCapture[],
  { timeBase, topology: given = null }: Pick<AnalyzeOptions, "timeBase" | "topology">,
): AnalyzedCaptures {
  const connected = connect(captures, given === null ? null : { topology: given, baseSeconds: timeBase.seconds });
  // first the diagnosis: it tells health checks from clients
  const diagnosis = diagnose(connected, given);
  const topology = inferTopology(connected, given);
  return { captures, connected, topology, diagnosis, timeBase };
}
