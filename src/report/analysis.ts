import type { TimeBase } from "../capture/time-base.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { type Survey, surveyLegs } from "./survey/survey.ts";

/** What `analyze` has to tell, before it is a document or text. */
export interface Analysis {
  captures: readonly TrackedCapture[];
  survey: Survey;
  timeBase: TimeBase;
}

/**
 * @param timeBase of the run that tracked the captures.
 * @param withDetails what the text shows beyond the document.
 */
export function analyseLegs(captures: readonly TrackedCapture[], timeBase: TimeBase, withDetails = true): Analysis {
  return { captures, survey: surveyLegs(captures, withDetails), timeBase };
}
