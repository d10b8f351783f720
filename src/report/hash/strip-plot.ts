import type { Page } from "../text/page.ts";

/** A row of a plot: a mark for each value. */
export interface Strip {
  label: string;
  values: readonly number[];
}

const MOST_COLUMNS = 64;
/** So many times the target ends the scale: what is beyond it would leave no room for the rest. */
const FAR = 4;
const BEYOND = "›";
/** Marks that fall together, by how many they are; more than the last are that. */
const MARKS = [" ", "•", "●", "◉"] as const;

/**
 * Values as marks over one scale, a row for each label, with a line where they should all be:
 *
 *     share over expected  0.7     1.0               1.4
 *     katran-v2                     ◉
 *     ketama                ●  •  • │ •   •   •        •
 *
 * Values far beyond the target are a › at the end.
 */
export function stripPlot(title: string, strips: readonly Strip[], target: number, page: Page): string[] {
  const labelWidth = Math.max(title.length, ...strips.map(({ label }) => label.length));
  const columns = Math.min(MOST_COLUMNS, page.width - labelWidth - 6);
  const { low, high } = scaleOf(strips, target);
  const columnOf = (value: number) => Math.round(((value - low) / (high - low)) * (columns - 1));
  const targetColumn = columnOf(target);
  const rows = strips.map(({ label, values }) => {
    const counts = new Array<number>(columns).fill(0);
    let isBeyond = false;
    for (const value of values) {
      if (value > high) isBeyond = true;
      else counts[columnOf(value)]!++;
    }
    const cells = counts.map((count, column): string =>
      count === 0 && column === targetColumn ? "│" : MARKS[Math.min(count, MARKS.length - 1)]!,
    );
    if (isBeyond) cells.push(BEYOND);
    return `  ${label.padEnd(labelWidth)}  ${cells.join("")}`.trimEnd();
  });
  return [
    page.paint.quiet(`  ${title.padEnd(labelWidth)}  ${axis(low, high, target, targetColumn, columns)}`),
    ...rows,
  ];
}

/** Tenths around all values and the target, with a tenth on either side at least. */
function scaleOf(strips: readonly Strip[], target: number): { low: number; high: number } {
  const all = strips.flatMap(({ values }) => values);
  const least = all.reduce((low, value) => Math.min(low, value), target - 0.1);
  const most = all.reduce((high, value) => Math.min(target * FAR, Math.max(high, value)), target + 0.1);
  return { low: Math.floor(least * 10 + 1e-9) / 10, high: Math.ceil(most * 10 - 1e-9) / 10 };
}

function axis(low: number, high: number, target: number, targetColumn: number, columns: number): string {
  const left = low.toFixed(1);
  const middle = target.toFixed(1);
  const right = high.toFixed(1);
  const start = Math.max(left.length + 1, targetColumn - 1);
  const head = left.padEnd(start) + middle;
  return head.length + 1 + right.length > columns ? head : head + right.padStart(columns - head.length);
}
