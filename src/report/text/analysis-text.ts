import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { blindSpots } from "../figures/blind-spots.ts";
import { type VipFigures, vipFigures } from "../figures/vip-figures.ts";
import { formatNumberOf } from "../format-quantity.ts";
import { blindSpotLines, nothingElse, nothingWrong } from "./closing.ts";
import { findingInBrief, findingInFull } from "./finding-lines.ts";
import { headline } from "./headline.ts";
import { lookCloser } from "./look-closer.ts";
import type { Page } from "./page.ts";
import { problems } from "./problems.ts";
import { surveyText } from "./survey/survey-text.ts";
import { vipSection } from "./vip-section.ts";

/** Shown without `--full`. */
const SHOWN_FINDINGS = 6;
const SHOWN_VIPS = 3;

/** What `analyze` prints: what was read, what is wrong, the numbers behind it, and what could not be seen. */
export function analysisText(analysis: Analysis, page: Page): string {
  const vips = vipFigures(analysis);
  const blocks = [
    headline(analysis, vips, page),
    ...verdict(analysis, vips, page),
    problems(analysis, page),
    ...vipSections(analysis, vips, page),
    ...ending(analysis, vips, page),
    ...(page.full ? surveyText(analysis.captures, page) : []),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n");
}

function verdict(analysis: Analysis, vips: readonly VipFigures[], page: Page): string[][] {
  const { findings, subject } = analysis;
  if (subject.connections.length === 0) return [[`${page.paint.risk("!")} no TCP or UDP conversation in it`]];
  const loud = findings.filter(({ severity }) => severity !== "info");
  const [worst, ...others] = loud;
  if (worst === undefined) {
    return [
      [...nothingWrong(analysis, page), ...blindSpotLines(blindSpots(analysis, vips), page)],
      notes(analysis, page),
    ];
  }
  const well = isAboutCapture(worst)
    ? [...nothingWrong(analysis, page), ...blindSpotLines(blindSpots(analysis, vips), page)]
    : [];
  const shown = page.full ? others : others.slice(0, SHOWN_FINDINGS);
  const hidden = others.length - shown.length;
  return [
    well,
    findingInFull(analysis, worst, page),
    ...shown.map((finding) => findingInBrief(analysis, finding, page)),
    hidden > 0 ? [`  … ${formatNumberOf(hidden, "more finding")}: --full`] : [],
    notes(analysis, page),
  ];
}

/** Findings about the capture come last: with one of them first, nothing else is wrong. */
function isAboutCapture({ id }: Finding): boolean {
  return id.startsWith("capture.");
}

/** What is good to know and wrong with nothing, a line each. */
function notes(analysis: Analysis, page: Page): string[] {
  return analysis.findings
    .filter(({ severity }) => severity === "info")
    .flatMap((finding) => findingInBrief(analysis, finding, page));
}

function vipSections(analysis: Analysis, vips: readonly VipFigures[], page: Page): string[][] {
  const [worst] = analysis.findings;
  // the one that the verdict is about comes first
  const sorted = vips.toSorted((a, b) => Number(b.vip === worst?.where.vip) - Number(a.vip === worst?.where.vip));
  const balanced = sorted.filter(({ backends, vip }) => page.full || backends.length > 0 || vip === worst?.where.vip);
  const shown = page.full ? balanced : balanced.slice(0, SHOWN_VIPS);
  const hidden = sorted.length - shown.length;
  const what = formatNumberOf(hidden, shown.length === 0 ? "destination" : "more destination");
  return [
    ...shown.map((figures) => vipSection(analysis, figures, worst, page)),
    hidden > 0 ? [`  … ${what} called by several clients: --full`] : [],
  ];
}

function ending(analysis: Analysis, vips: readonly VipFigures[], page: Page): string[][] {
  const worst = analysis.findings.find(({ severity }) => severity !== "info");
  if (worst === undefined) return [];
  return [
    isAboutCapture(worst) ? [] : [...nothingElse(analysis, page), ...blindSpotLines(blindSpots(analysis, vips), page)],
    lookCloser(analysis, worst, page),
  ];
}
