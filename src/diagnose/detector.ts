import type { Case } from "./case.ts";
import type { Finding } from "./finding.ts";

/** Looks for one cause, or for a few that only differ in their clothes. Pure: a case in, findings out. */
export interface Detector {
  /** Ids that it may report. */
  ids: readonly string[];
  find(subject: Case): Finding[];
}
