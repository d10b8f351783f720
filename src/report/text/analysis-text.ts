import type { Analysis } from "../analysis.ts";
import { destinationTables } from "./destinations.ts";
import { fileTable } from "./files.ts";
import { headline } from "./headline.ts";
import { nextSteps } from "./next-steps.ts";
import { outcomeTable } from "./outcomes.ts";
import { type Page, wrap } from "./page.ts";
import { problems } from "./problems.ts";
import { resetTable } from "./resets.ts";
import { talkerTable } from "./talkers.ts";
import { verdict } from "./verdict.ts";

/** What `analyze` prints: how things stand first, the numbers behind it, and where to look next. */
export function analysisText(analysis: Analysis, page: Page): string {
  const destinations = analysis.survey.destinations.calledByMany();
  const blocks = [
    headline(analysis, page),
    [...verdict(analysis, destinations, page), ...problems(analysis, page), ...legsRemark(analysis, page)],
    destinationTables(analysis, destinations, page),
    outcomeTable(analysis, page),
    resetTable(analysis, page),
    talkerTable(analysis, page),
    fileTable(analysis, page),
    nextSteps(analysis, destinations, page),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n");
}

/** With several points most conversations are counted more than once: that has to be said. */
function legsRemark({ survey }: Analysis, page: Page): string[] {
  if (survey.points.length < 2 || survey.legs === 0) return [];
  const remark = "a leg is a conversation as one point saw it; what two points saw counts twice";
  return wrap(remark, page.width - 2).map((line) => page.paint.quiet(`  ${line}`));
}
