import type { Scheduler } from "../balance/scheduler.ts";
import type { TimeBase } from "../capture/time-base.ts";
import type { Case } from "../diagnose/case.ts";
import { chooseFindings } from "../diagnose/chosen-findings.ts";
import type { Diagnosis } from "../diagnose/diagnose.ts";
import type { Finding } from "../diagnose/finding.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { InferredTopology } from "../path/infer-topology.ts";
import { type FindingChoice, wishOf } from "./finding-choice.ts";

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
  /** What was found besides them. */
  leftOut: LeftOut;
  /** Whether findings were chosen at all. */
  isChoice: boolean;
  timeBase: TimeBase;
}

/** Findings that are there and are not told, each with what it is not told for. */
export interface LeftOut {
  /** Known causes, to be ignored. */
  ignored: readonly Finding[];
  /** What these explain. */
  explainedAway: readonly Finding[];
  /** Not among those asked for. */
  notAsked: readonly Finding[];
}

const NOTHING: LeftOut = { ignored: [], explainedAway: [], notAsked: [] };

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
  const { subject, schedulers, judgement } = diagnosis;
  const wish = wishOf(choice);
  const { findings, ...leftOut } =
    wish === null ? { findings: diagnosis.findings, ...NOTHING } : chooseFindings(judgement, wish);
  return { captures, topology, subject, schedulers, findings, leftOut, isChoice: wish !== null, timeBase };
}
