import type { TimeBase } from "../../capture/time-base.ts";
import { formatNumberOf } from "../format-quantity.ts";
import { type Page, wrap } from "../text/page.ts";
import { idleLanes, packetLanes, pauseLanes } from "./draw-lanes.ts";
import { foldRows } from "./fold-rows.ts";
import { ASCII, asciiText, type Glyphs, UNICODE } from "./glyphs.ts";
import { headLines } from "./head-lines.ts";
import type { Ladder } from "./ladder.ts";
import type { LadderRow } from "./ladder-row.ts";
import { layOut } from "./layout.ts";
import { rowText } from "./row-text.ts";

export interface LadderTextOptions {
  timeBase: TimeBase;
  /** Rows to show at most; all where the page is full. */
  rows: number;
  /** Draw with letters only. */
  ascii: boolean;
}

/**
 * A ladder as text: what connection it is, where it was seen and what rewrites it, then a column per node and a row per
 * event. Times are seconds since the first packet, delays between two nodes milliseconds from arrival to arrival.
 */
export function ladderText(ladder: Ladder, options: LadderTextOptions, page: Page): string {
  const { columns, steps } = ladder;
  const glyphs = options.ascii ? ASCII : UNICODE;
  const plain = options.ascii ? asciiText : (text: string) => text;
  const rows = foldRows(steps, { full: page.full, rows: options.rows });
  const start = steps[0]!.event.time;
  const times = rows.map((row) => (row.kind === "packets" ? ((row.time - start) / 1e9).toFixed(6) : ""));
  const timeWidth = times.reduce((most, time) => Math.max(most, time.length), "seconds".length);
  const layout = layOut(columns, rows, timeWidth, page.width);
  const lines = headLines(ladder, layout, options.timeBase, page).map(plain);
  rows.forEach((row, i) => {
    const lanes = row.kind === "packets" ? packetLanes(row, columns, layout, glyphs) : pauseLanes(layout, glyphs);
    const paint = paintOf(row, page);
    const [text = "", ...more] = wrap(plain(clipped(rowText(row), layout.textWidth - 4)), layout.textWidth, "  ");
    lines.push(`${page.paint.quiet(times[i]!.padStart(timeWidth))}  ${lanes}  ${paint(text)}`);
    const idle = `${" ".repeat(timeWidth)}  ${idleLanes(columns, layout, glyphs)}  `;
    for (const line of more) lines.push(idle + paint(line));
  });
  lines.push(...wrap(plain(legend(ladder, rows, glyphs)), page.width).map(page.paint.quiet));
  return lines.join("\n");
}

/** A text without words that are longer than a line: of a long path the beginning tells most. */
function clipped(text: string, width: number): string {
  const clip = (word: string) => (word.length <= width ? word : `${word.slice(0, width - 1)}…`);
  return text.split(" ").map(clip).join(" ");
}

/** What the signs of this ladder mean. */
function legend({ columns, left }: Ladder, rows: readonly LadderRow[], glyphs: Glyphs): string {
  const parts: string[] = [];
  const first = rows.flatMap((row) => (row.kind === "packets" ? [row.steps[0]!] : []));
  if (first.some(({ delays, journey }) => delays.length > 0 || journey.stops.at(-1)!.sightings.length > 1))
    parts.push("ms from arrival to arrival, or within the last node");
  if (columns.some(({ isSeen }) => !isSeen)) parts.push(`${glyphs.unseenLine} not captured there`);
  if (first.some(({ journey }) => journey.endsHere)) parts.push(`${glyphs.end} seen no further`);
  if (rows.some(({ kind }) => kind === "left-out")) parts.push("--full shows every packet");
  if (left > 0) parts.push(`${formatNumberOf(left, "later packet")} did not fit in memory`);
  return parts.join(" · ");
}

/** Red for resets, yellow for what may hurt, grey for what is beside the point: never the only sign. */
function paintOf(row: LadderRow, { paint }: Page): (text: string) => string {
  if (row.kind !== "packets") return paint.quiet;
  const { weight } = row.steps[0]!;
  if (weight === "bad") return paint.bad;
  if (weight === "risk") return paint.risk;
  return weight === "dull" ? paint.quiet : (text) => text;
}
