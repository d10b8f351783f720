import type { Page } from "../text/page.ts";

/** A line of a chart, with a letter of its own so that it can be told without colours. */
export interface LetteredSeries {
  letter: string;
  values: readonly (number | null)[];
}

const ROWS = 9;
/** Columns of a step where there is room. */
const STEP_COLUMNS = 6;
/** Where lines of several series meet. */
const MEETING = "+";

/**
 * Several series over the same steps and one scale, each drawn by its letter:
 *
 *     1.31 ┤     b     b
 *          │  b     b
 *     1.00 ┤  a  a  a  a
 *            10 11 12 13
 *
 * @param steps what stands under each step
 * @param format writes a number of the scale
 */
export function seriesChart(
  series: readonly LetteredSeries[],
  steps: readonly string[],
  format: (value: number) => string,
  page: Page,
): string[] {
  const values = series.flatMap((one) => one.values.filter((value) => value !== null));
  if (values.length === 0) return [];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const scale = [high, (high + low) / 2, low].map(format);
  const scaleWidth = Math.max(...scale.map((text) => text.length));
  const room = page.width - scaleWidth - 4;
  const stepWidth = Math.max(1, Math.min(STEP_COLUMNS, Math.floor(room / steps.length)));
  const grid = Array.from({ length: ROWS }, () => new Array<string>(steps.length * stepWidth).fill(" "));
  for (const { letter, values: own } of series) {
    own.slice(0, room).forEach((value, step) => {
      if (value === null) return;
      const row = high === low ? ROWS - 1 : Math.round(((high - value) / (high - low)) * (ROWS - 1));
      const cells = grid[row]!;
      const column = step * stepWidth + (stepWidth >> 1);
      cells[column] = cells[column] === " " ? letter : MEETING;
    });
  }
  const labels = new Map([
    [0, scale[0]!],
    [(ROWS - 1) / 2, scale[1]!],
    [ROWS - 1, scale[2]!],
  ]);
  const rows = grid.map((cells, row) => {
    const label = labels.get(row);
    return `  ${(label ?? "").padStart(scaleWidth)} ${label === undefined ? "│" : "┤"}${cells.join("")}`.trimEnd();
  });
  return [...rows, page.paint.quiet(`  ${" ".repeat(scaleWidth + 2)}${stepAxis(steps, stepWidth)}`.trimEnd())];
}

/** The names of the steps under their columns; of many, those that fit. */
function stepAxis(steps: readonly string[], stepWidth: number): string {
  const widest = Math.max(...steps.map((step) => step.length)) + 1;
  const every = Math.max(1, Math.ceil(widest / stepWidth));
  let line = "";
  steps.forEach((step, index) => {
    if (index % every !== 0) return;
    const middle = index * stepWidth + (stepWidth >> 1);
    line = line.padEnd(Math.max(line.length === 0 ? 0 : line.length + 1, middle - (step.length >> 1))) + step;
  });
  return line;
}
