import type { Page } from "../text/page.ts";
import { changeSection, changeVerdict } from "./change-section.ts";
import type { ShareReport } from "./hash-report.ts";
import { headLines, keysText, remarks } from "./hash-words.ts";
import { backendTables, isShort, sharePlot, shareVerdict, skewTable } from "./share-section.ts";

/** How methods share keys, and what a change does, as text: the verdicts first. */
export function shareText(report: ShareReport, page: Page): string {
  const isWhole = page.full || isShort(report, page);
  const blocks = [
    [
      ...headLines(report, keysText(report.keys, report.pool), page),
      ...changeVerdict(report, page),
      ...shareVerdict(report, page),
      ...remarks(report, page),
    ],
    changeSection(report, page),
    skewTable(report, page),
    isWhole ? backendTables(report, page) : [],
    sharePlot(report, page),
    isWhole ? [] : [page.paint.quiet("--full shows each backend's share under each method")],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}
