import { formatCount, formatNumberOf, formatShare } from "../format-quantity.ts";
import type { Page } from "../text/page.ts";
import { type Column, fits, table } from "../text/table.ts";
import type { ShareAnswer, ShareReport } from "./hash-report.ts";
import { partText, probabilityText, signed, timesText } from "./hash-words.ts";
import { isSure } from "./recognition.ts";
import { stripPlot } from "./strip-plot.ts";

/** A method whose spread is known. */
interface Row {
  label: string;
  answer: ShareAnswer;
}

/** Up to this is even, whatever a large sample can show. */
const EVEN = 1.05;
/** Chance that is no chance any more. */
const UNLIKELY = 0.01;
/** One sentence on how evenly, and one on what a capture shows of the method in use. */
export function shareVerdict(report: ShareReport, page: Page): string[] {
  const rows = rowsOf(report);
  return [...evenness(rows, report, page), ...recognition(report, page)];
}

function evenness(rows: readonly Row[], { pool }: ShareReport, page: Page): string[] {
  const judged = rows.flatMap(({ label, answer: { spread } }) => {
    const { skew, worst } = spread;
    return skew === null || worst === null ? [] : [{ label, skew, fullest: pool.backends[worst]!.name }];
  });
  if (judged.length === 0) return signed("risk", "no method has a backend to send them to: all weights are 0", page);
  const most = judged.reduce((a, b) => (b.skew.maxOverExpected > a.skew.maxOverExpected ? b : a));
  const skewed = judged.filter(({ skew }) => skew.pValue < UNLIKELY && skew.maxOverExpected > EVEN);
  const times = timesText(most.skew.maxOverExpected);
  const has = `${most.fullest} has ${times} times its share`;
  const [only] = judged;
  if (only !== undefined && judged.length === 1) {
    if (skewed.length > 0) return signed("risk", `${only.label} does not share by the weights: ${has}`, page);
    const chance = probabilityText(only.skew.pValue);
    const text = `${only.label} shares by the weights: the fullest, ${most.fullest}, has ${times} times its share (p ${chance})`;
    return signed("good", text, page);
  }
  if (skewed.length === 0) {
    return signed(
      "good",
      `${judged.length === 2 ? "both" : `all ${judged.length}`} methods share by the weights; at most, with ${most.label}, ${has}`,
      page,
    );
  }
  const verb = skewed.length === 1 ? "does" : "do";
  const count =
    skewed.length === judged.length
      ? `none of ${judged.length} methods shares`
      : `${skewed.length} of ${judged.length} methods ${verb} not share`;
  return signed("risk", `${count} by the weights; the least even is ${most.label}: ${has}`, page);
}

/** Whether one of the methods is the one in use where the capture was taken. */
function recognition({ candidates, keys }: ShareReport, page: Page): string[] {
  const [best] = candidates;
  if (best === undefined) return [];
  const count = `${formatCount(best.same)} of ${formatCount(best.known)}`;
  if (!best.agrees) {
    const text = `no method here sends the captured connections where they went; nearest is ${best.label}, ${count}`;
    return signed("none", text, page);
  }
  const text = `captured connections went where ${best.label} sends them: ${count}`;
  if (isSure(best)) return signed("good", text, page);
  return signed(
    "none",
    `${text}; of ${formatNumberOf(keys.clients, "client")} only, which may be chance (${probabilityText(best.chance)})`,
    page,
  );
}

/** A line of figures for each method. */
export function skewTable(report: ShareReport, page: Page): string[] {
  const rows = rowsOf(report);
  const isSkewed = ({ answer: { spread } }: Row) =>
    spread.skew !== null && spread.skew.pValue < UNLIKELY && spread.skew.maxOverExpected > EVEN;
  const figure = (toText: (skew: NonNullable<ShareAnswer["spread"]["skew"]>) => string) => (row: Row) =>
    row.answer.spread.skew === null ? "-" : toText(row.answer.spread.skew);
  const columns: Column<Row>[] = [
    { title: "method", cell: ({ label }) => label },
    {
      title: "max/mean",
      align: "right",
      cell: figure(({ maxOverExpected }) => timesText(maxOverExpected)),
      paint: (row) => (isSkewed(row) ? page.paint.risk : null),
    },
    { title: "fullest", rank: 2, cell: ({ answer }) => nameOrNone(report, answer.spread.worst) },
    { title: "CV", align: "right", cell: figure((skew) => skew.coefficientOfVariation.toFixed(3)) },
    { title: "Jain", align: "right", rank: 1, cell: figure(({ jain }) => jain.toFixed(4)) },
    {
      title: "chi²",
      align: "right",
      rank: 4,
      cell: figure(({ chiSquare }) => chiSquare.toFixed(chiSquare < 100 ? 1 : 0)),
    },
    { title: "p", align: "right", cell: figure(({ pValue }) => probabilityText(pValue)) },
  ];
  if (rows.some(({ answer }) => answer.spread.unserved > 0)) {
    columns.push({ title: "unserved", align: "right", cell: ({ answer }) => formatCount(answer.spread.unserved) });
  }
  if (rows.some(({ answer }) => answer.agreement !== null)) {
    columns.push({ title: "as seen", align: "right", cell: ({ answer }) => agreementText(answer) });
  }
  return table(rows, columns, page);
}

/** Every backend's share under every method; tables beside one another under one another where they do not fit. */
export function backendTables(report: ShareReport, page: Page): string[] {
  const { pool, keys } = report;
  const rows = pool.backends.map(({ name, weight }, index) => ({ name, weight, index }));
  type BackendRow = (typeof rows)[number];
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  const seen = seenCounts(report);
  const names: Column<BackendRow>[] = [
    { title: "backend", cell: ({ name }) => name },
    { title: "weight", align: "right", cell: ({ weight }) => formatCount(weight) },
    { title: "expected", align: "right", cell: ({ weight }) => (total === 0 ? "-" : partText(weight / total)) },
  ];
  if (seen !== null) {
    const known = seen.reduce((sum, count) => sum + count, 0);
    names.push({ title: "as seen", align: "right", cell: ({ index }) => formatShare(seen[index]!, known) });
  }
  const methods = rowsOf(report).map(({ label, answer: { spread } }): Column<BackendRow> => {
    const served = keys.keys.length - spread.unserved;
    return { title: label, align: "right", rank: 1, cell: ({ index }) => formatShare(spread.counts[index]!, served) };
  });
  const lines: string[] = [];
  while (methods.length > 0) {
    let count = methods.length;
    while (count > 1 && !fits(rows, [...names, ...methods.slice(0, count)], page)) count--;
    if (lines.length > 0) lines.push("");
    lines.push(...table(rows, [...names, ...methods.splice(0, count)], page));
  }
  return lines;
}

/** Whether the table of all backends is one table of a few lines. */
export function isShort(report: ShareReport, page: Page): boolean {
  const methods = report.answers.filter(({ answer }) => answer !== null).length;
  return report.pool.backends.length <= 20 && 40 + methods * 12 <= page.width;
}

/** Each backend's share over what its weight expects, a row of marks for each method. */
export function sharePlot(report: ShareReport, page: Page): string[] {
  const { backends } = report.pool;
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  const strips = rowsOf(report).map(({ label, answer: { spread } }) => {
    const served = spread.choices.length - spread.unserved;
    const values = backends.flatMap(({ weight }, index) =>
      weight === 0 || served === 0 ? [] : [(spread.counts[index]! * total) / (served * weight)],
    );
    return { label, values };
  });
  if (strips.every(({ values }) => values.length === 0)) return [];
  return stripPlot("share / expected", strips, 1, page);
}

function rowsOf({ answers }: ShareReport): Row[] {
  return answers.flatMap(({ chosen, answer }) => (answer === null ? [] : [{ label: chosen.label, answer }]));
}

function nameOrNone({ pool }: ShareReport, index: number | null): string {
  return index === null ? "-" : pool.backends[index]!.name;
}

function agreementText({ agreement: seen }: ShareAnswer): string {
  return seen === null ? "-" : formatShare(seen.same, seen.known);
}

function seenCounts({ keys, pool }: ShareReport): number[] | null {
  if (keys.seen === null) return null;
  const counts = pool.backends.map(() => 0);
  for (const backend of keys.seen) if (backend >= 0) counts[backend]!++;
  return counts.some((count) => count > 0) ? counts : null;
}
