import { columnsOf, keepEnd } from "../text/page.ts";

/** One stage of a way: what stands side by side in it, one above the other. */
export interface Stage {
  title: string;
  labels: readonly string[];
  /** Columns below which its labels are not cut. */
  leastWidth: number;
}

const BUS = 3;

/**
 * Draws stages from left to right, each entry of one joined to all of the next:
 *
 *     clients           balancers    backends
 *     10.1.0.0/24 80 ┬─ lb1 100 ───┬─ 10.3.0.11:80 40
 *     10.9.0.0/24 20 ┘             └─ 10.3.0.12:80 60
 *
 * @param width columns there are; labels of the stages with most room are cut from the left where they do not fit
 */
export function drawStages(stages: readonly Stage[], width: number): string[] {
  const widths = fittingWidths(stages, width);
  const rows = Math.max(...stages.map(({ labels }) => labels.length));
  const lines = [titleLine(stages, widths)];
  for (let row = 0; row < rows; row++) {
    let line = "";
    stages.forEach(({ labels }, s) => {
      const label = labels[row];
      const next = stages[s + 1];
      const text = label === undefined ? "" : keepEnd(label, widths[s]!);
      const isJoined = label !== undefined && next !== undefined;
      const fill = isJoined ? "─" : " ";
      line += text + (next === undefined ? "" : (isJoined ? " " : fill) + fill.repeat(widths[s]! - columnsOf(text)));
      if (next !== undefined) line += bus(row, labels.length, next.labels.length);
    });
    lines.push(line.trimEnd());
  }
  return lines;
}

/** The piece of the vertical line between two stages that lies in a row, and a space behind it. */
function bus(row: number, left: number, right: number): string {
  const rows = Math.max(left, right);
  const hasLeft = row < left;
  const hasRight = row < right;
  const up = row > 0;
  const down = row < rows - 1;
  const cross = CORNERS[(hasLeft ? 1 : 0) + (hasRight ? 2 : 0) + (up ? 4 : 0) + (down ? 8 : 0)]!;
  return `${cross}${hasRight ? "─" : " "} `;
}

/** By what a cell is open to: 1 left, 2 right, 4 up, 8 down. */
const CORNERS = [" ", "─", "─", "─", " ", "┘", "└", "┴", " ", "┐", "┌", "┬", "│", "┤", "├", "┼"] as const;

function titleLine(stages: readonly Stage[], widths: readonly number[]): string {
  return stages
    .map(({ title }, s) => (s === stages.length - 1 ? title : title.padEnd(widths[s]! + 1 + BUS)))
    .join("")
    .trimEnd();
}

function fittingWidths(stages: readonly Stage[], width: number): number[] {
  const widths = stages.map(({ title, labels }) => Math.max(columnsOf(title), ...labels.map(columnsOf)));
  const between = (stages.length - 1) * (BUS + 1);
  for (;;) {
    const excess = widths.reduce((sum, one) => sum + one, between) - width;
    if (excess <= 0) return widths;
    let widest = -1;
    stages.forEach(({ leastWidth, title }, s) => {
      const canShrink = widths[s]! > Math.max(leastWidth, columnsOf(title));
      if (canShrink && (widest < 0 || widths[s]! > widths[widest]!)) widest = s;
    });
    if (widest < 0) return widths;
    widths[widest]!--;
  }
}
