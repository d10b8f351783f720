import asciichart from "asciichart";
import { columnsOf, type Page } from "./page.ts";

/** One line of a chart. */
export interface ChartSeries {
  title: string;
  values: readonly number[];
}

const ROWS = 5;
/** Per second; less than this is nothing. */
const LEAST_RATE = 1e-6;
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
    if (most < LEAST_RATE) return [];
    const drawn = asciichart.plot(finite, {
      height: ROWS,
      min: 0,
      max: most,
      format: (value) => scaleNumber(value, most).padStart(SCALE_COLUMNS),
    });
    return [`  ${page.paint.quiet(title)}`, ...drawn.split("\n").map((line) => line.trimEnd())];
  });
}

/** Rows under the charts that mark and name a window of their time, given as shares of it. */
export function windowRows(from: number, to: number, label: string, columns: number): string[] {
  const first = Math.min(columns - 1, Math.max(0, Math.floor(from * columns)));
  const last = Math.min(columns - 1, Math.max(first, Math.ceil(to * columns) - 1));
  const offset = SCALE_COLUMNS + 2;
  const marks = " ".repeat(offset + first) + "▲".repeat(last - first + 1);
  if (columnsOf(marks) + 1 + columnsOf(label) <= offset + columns) return [`${marks} ${label}`];
  return [marks, " ".repeat(offset + Math.max(0, Math.min(first, columns - columnsOf(label)))) + label];
}

function scaleNumber(value: number, most: number): string {
  if (most >= 20) return value.toFixed(0);
  return value.toFixed(most >= 2 ? 1 : most >= 0.2 ? 2 : 3);
}
