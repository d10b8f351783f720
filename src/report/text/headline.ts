import type { Analysis } from "../analysis.ts";
import { formatBytes, formatDate, formatNumberOf, formatSeconds } from "../format-quantity.ts";
import { columnsOf, type Page } from "./page.ts";

/** What was read, in a line: `1,208 legs · 10.9 s from 2026-11-20 14:07:41 UTC · …`. */
export function headline({ captures, survey, timeBase }: Analysis, page: Page): string[] {
  const seen = captures.filter(({ firstTime }) => !Number.isNaN(firstTime));
  const packets = captures.reduce((sum, one) => sum + one.packets, 0);
  const bytes = captures.reduce((sum, one) => sum + one.bytes, 0);
  const facts = [formatNumberOf(survey.legs, "leg")];
  if (seen.length > 0) {
    const first = Math.min(...seen.map(({ firstTime }) => firstTime));
    const last = Math.max(...seen.map(({ lastTime }) => lastTime));
    facts.push(`${formatSeconds((last - first) / 1e9)} from ${formatDate(timeBase.toEpoch(first))}`);
  }
  facts.push(`${formatNumberOf(packets, "packet")}, ${formatBytes(bytes)}`);
  facts.push(`${formatNumberOf(survey.points.length, "point")} in ${formatNumberOf(captures.length, "file")}`);
  return joinFacts(facts, page.width).map(page.paint.title);
}

/** Facts behind one another with dots between, broken only at these. */
export function joinFacts(facts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(last) + 3 + columnsOf(fact) <= width)
      lines[lines.length - 1] = `${last} · ${fact}`;
    else lines.push(fact);
  }
  return lines;
}
