import asciichart from "asciichart";
import type { Page } from "./page.ts";

/** One line of a chart. */
export interface ChartSeries {
  title: string;
  values: readonly number[];
}

const ROWS = 5;
/** Columns of the numbers beside a chart. */
const SCALE_COLUMNS = 9;

/** Columns of a chart on a page: one for each value that it can show. */
export function chartColumns(page: Page): number {
  return Math.min(120, page.width - SCALE_COLUMNS - 6);
}

/** Charts under one another over the same time; a series without any value above zero is left out. */
export function charts(series: readonly ChartSeries[], page: Page): string[] {
  return series.flatMap(({ title, values }) => {
    // asciichart throws on no values and on what is no number
    const finite = values.map((value) => (Number.isFinite(value) ? value : 0));
    const most = Math.max(0, ...finite);
    if (most === 0) return [];
    const drawn = asciichart.plot(finite, {
      height: ROWS,
      min: 0,
      max: most,
      format: (value) => scaleNumber(value, most).padStart(SCALE_COLUMNS),
    });
    return [`  ${page.paint.quiet(title)}`, ...drawn.split("\n").map((line) => line.trimEnd())];
  });
}

/** A row under the charts that marks a window of their time, given as shares of it. */
export function windowRow(from: number, to: number, label: string, columns: number): string {
  const first = Math.min(columns - 1, Math.max(0, Math.floor(from * columns)));
  const last = Math.min(columns - 1, Math.max(first, Math.ceil(to * columns) - 1));
  const offset = " ".repeat(SCALE_COLUMNS + 2 + first);
  return `${offset}${"▲".repeat(last - first + 1)} ${label}`;
}

function scaleNumber(value: number, most: number): string {
  return value.toFixed(most >= 20 ? 0 : 1);
}
