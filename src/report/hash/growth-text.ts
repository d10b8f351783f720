import type { GrowthStep } from "../../balance/what-if/growth.ts";
import type { Page } from "../text/page.ts";
import { type Column, fits, table } from "../text/table.ts";
import type { GrowthReport } from "./hash-report.ts";
import { headLines, keysText, partText, remarks, signed, timesText } from "./hash-words.ts";
import { type LetteredSeries, seriesChart } from "./series-chart.ts";

interface Row {
  letter: string;
  label: string;
  steps: readonly GrowthStep[];
}

const LETTERS = "abcdefghijklmnopqrsuvwxyz";
/** Of the least that a new backend has to move. */
const IDEAL_LETTER = "·";

/** A set that grows, as text: who stays even, who moves little, then both step by step. */
export function growthText(report: GrowthReport, page: Page): string {
  const rows = report.answers.flatMap(({ chosen, answer }) =>
    answer === null ? [] : [{ label: chosen.label, steps: answer }],
  );
  const lettered: Row[] = rows.map((row, i) => ({ ...row, letter: LETTERS[i % LETTERS.length]! }));
  const first = lettered[0]!.steps;
  const ideal: Row = { letter: IDEAL_LETTER, label: "least possible", steps: first.map(idealStep) };
  const isGrowing = first.length > 1;
  const names = first.map(({ backends }) => String(backends));
  const seriesOf = (of: readonly Row[], value: (step: GrowthStep) => number | null) =>
    of.map(({ letter, steps }): LetteredSeries => ({ letter, values: steps.map(value) }));
  const percent = (value: number) => `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)}%`;
  const blocks = [
    [
      ...headLines(report, keysText(report.keys, report.pool), page),
      ...verdict(lettered, page),
      ...remarks(report, page),
    ],
    [
      page.paint.title("Fullest backend's share over its due (max/mean), by number of backends"),
      ...stepTable(lettered, ({ skew }) => (skew === null ? "-" : timesText(skew.maxOverExpected)), page),
    ],
    seriesChart(
      seriesOf(lettered, ({ skew }) => skew?.maxOverExpected ?? null),
      names,
      timesText,
      page,
    ),
    isGrowing
      ? [
          page.paint.title("Connections moved by the last backend added"),
          ...stepTable([ideal, ...lettered], ({ movedShare }) => shareText(movedShare), page),
        ]
      : [],
    isGrowing
      ? seriesChart(
          seriesOf([ideal, ...lettered], ({ movedShare }) => movedShare),
          names,
          percent,
          page,
        )
      : [],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** The most even and the least even over all steps, and who moves least and most beyond what has to move. */
function verdict(rows: readonly Row[], page: Page): string[] {
  const figures = rows.map(({ label, steps }) => ({
    label,
    fullest: Math.max(...steps.map(({ skew }) => skew?.maxOverExpected ?? 0)),
    moved: meanOf(steps.map(({ movedShare }) => movedShare)),
    ideal: meanOf(steps.map(({ idealShare }) => idealShare)),
  }));
  const extremes = (value: (figure: (typeof figures)[number]) => number) => {
    const sorted = figures.toSorted((a, b) => value(a) - value(b));
    return [sorted[0]!, sorted.at(-1)!] as const;
  };
  const [even, uneven] = extremes(({ fullest }) => fullest);
  const most = (one: (typeof figures)[number]) =>
    `${one.label} fills a backend to ${timesText(one.fullest)} times its share at most`;
  const lines = signed(
    "none",
    even === uneven ? most(even) : `${most(even)}, ${uneven.label} to ${timesText(uneven.fullest)}`,
    page,
  );
  const [calm, restless] = extremes(({ moved }) => moved);
  if (calm.ideal === 0) return lines;
  const moves = (one: (typeof figures)[number]) =>
    `${one.label} moves ${timesText(one.moved / one.ideal)} times what has to move`;
  const compared =
    calm === restless
      ? moves(calm)
      : `${moves(calm)}, ${restless.label} ${timesText(restless.moved / restless.ideal)} times`;
  return [...lines, ...signed("none", `each new backend: ${compared}`, page)];
}

/** A line for each method, a column for each step, or for some evenly chosen where not all fit. */
function stepTable(rows: readonly Row[], cell: (step: GrowthStep) => string, page: Page): string[] {
  const count = rows[0]!.steps.length;
  for (let every = 1; ; every++) {
    const columns: Column<Row>[] = [{ title: "method", cell: ({ letter, label }) => `${letter} ${label}` }];
    for (let step = 0; step < count; step += every) {
      const title = String(rows[0]!.steps[step]!.backends);
      columns.push({ title, align: "right", rank: 1, cell: ({ steps }) => cell(steps[step]!) });
    }
    if (every >= count || fits(rows, columns, page)) return table(rows, columns, page);
  }
}

function idealStep(step: GrowthStep): GrowthStep {
  return { ...step, movedShare: step.idealShare };
}

function shareText(share: number | null): string {
  return share === null ? "-" : partText(share);
}

function meanOf(values: readonly (number | null)[]): number {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
}
