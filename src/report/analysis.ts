import type { TimeBase } from "../capture/time-base.ts";
import type { Case } from "../diagnose/case.ts";
import type { Diagnosis } from "../diagnose/diagnose.ts";
import type { Finding } from "../diagnose/finding.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { type FindingChoice, isChosen } from "./finding-choice.ts";

/** What `analyze` has to tell, before it is a document, text or a page. */
export interface Analysis {
  captures: readonly TrackedCapture[];
  /** Connections, outcomes, resets. */
  subject: Case;
  /** Those asked for, most pressing first. */
  findings: readonly Finding[];
  /** Findings that were there and not asked for. */
  leftOut: number;
  timeBase: TimeBase;
}

/** @param choice which findings to tell. */
export function analysisOf(
  {
    captures,
    diagnosis,
    timeBase,
  }: {
    captures: readonly TrackedCapture[];
    diagnosis: Diagnosis;
    timeBase: TimeBase;
  },
  choice: FindingChoice = {},
): Analysis {
  const findings = diagnosis.findings.filter(({ id }) => isChosen(id, choice));
  const leftOut = diagnosis.findings.length - findings.length;
  return { captures, subject: diagnosis.subject, findings, leftOut, timeBase };
}
