import type { Scheduler } from "../balance/scheduler.ts";
import type { TimeBase } from "../capture/time-base.ts";
import type { Case } from "../diagnose/case.ts";
import type { Diagnosis } from "../diagnose/diagnose.ts";
import type { Finding } from "../diagnose/finding.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { InferredTopology } from "../path/infer-topology.ts";
import { type FindingChoice, isChosen } from "./finding-choice.ts";

/** What `analyze` has to tell, before it is a document, text or a page. */
export interface Analysis {
  captures: readonly TrackedCapture[];
  topology: InferredTopology;
  /** Connections, outcomes, resets. */
  subject: Case;
  /** How backends were chosen, by the number of the VIP. */
  schedulers: ReadonlyMap<number, Scheduler>;
  /** Those asked for, most pressing first. */
  findings: readonly Finding[];
  /** Findings that were there and not asked for. */
  leftOut: number;
  timeBase: TimeBase;
}

/** What a run of captures came to. */
export interface AnalyzedRun {
  captures: readonly TrackedCapture[];
  topology: InferredTopology;
  diagnosis: Diagnosis;
  timeBase: TimeBase;
}

/** @param choice which findings to tell. */
export function analysisOf(
  { captures, topology, diagnosis, timeBase }: AnalyzedRun,
  choice: FindingChoice = {},
): Analysis {
  const { subject, schedulers } = diagnosis;
  const findings = diagnosis.findings.filter(({ id }) => isChosen(id, choice));
  const leftOut = diagnosis.findings.length - findings.length;
  return { captures, topology, subject, schedulers, findings, leftOut, timeBase };
}
