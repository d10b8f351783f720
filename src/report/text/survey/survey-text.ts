import type { TrackedCapture } from "../../../flow/tracked-capture.ts";
import { surveyLegs } from "../../survey/survey.ts";
import { type Page, wrap } from "../page.ts";
import { destinationTables } from "./destinations.ts";
import { fileTable } from "./files.ts";
import { outcomeTable } from "./outcomes.ts";
import { resetTable } from "./resets.ts";
import { talkerTable } from "./talkers.ts";

/** What every point saw, leg by leg and before anything was joined: blocks of lines. */
export function surveyText(captures: readonly TrackedCapture[], page: Page): string[][] {
  const survey = surveyLegs(captures);
  if (survey.legs === 0) return [fileTable(captures, page)];
  const remark = "Below, a leg is a conversation as one point saw it; what two points saw counts twice.";
  return [
    survey.points.length > 1 ? wrap(remark, page.width).map(page.paint.quiet) : [],
    destinationTables(survey, page),
    outcomeTable(survey, page),
    resetTable(survey, page),
    talkerTable(survey, page),
    fileTable(captures, page),
  ];
}
