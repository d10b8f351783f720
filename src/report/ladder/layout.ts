import { columnsOf } from "../text/page.ts";
import type { Column } from "./column.ts";
import type { LadderRow } from "./ladder-row.ts";
import { laneLabel, laneTexts } from "./lane-text.ts";

/** How a ladder is laid out on a page. */
export interface Layout {
  /** Columns of the ladder that are drawn; the others are passed over. */
  shown: readonly number[];
  /** Room between two lifelines. */
  laneWidth: number;
  /** Room for the times on the left. */
  timeWidth: number;
  /** Room for what is written on the right. */
  textWidth: number;
}

/** An arrow, a rewrite's name and a short delay. */
const LEAST_LANE = 11;
const MOST_LANE = 24;
/** What stands on the right: wide enough for `1.21 kB ClientHello`. */
const LEAST_TEXT = 18;
/** Below this a text has a word to a line. */
const NARROWEST_TEXT = 14;
const GAP = 2;

/**
 * Finds out which nodes to draw and how wide. What only passes packets on is left out first where the page is narrow;
 * the ends, and where packets are rewritten, begin or end, are always drawn.
 */
export function layOut(
  columns: readonly Column[],
  rows: readonly LadderRow[],
  timeWidth: number,
  width: number,
): Layout {
  let shown = columns.map((_, i) => i);
  const room = (lanes: number, laneWidth: number) => width - timeWidth - 2 - (lanes * (laneWidth + 1) + 1) - GAP;
  while (shown.length > 2 && room(shown.length - 1, LEAST_LANE) < LEAST_TEXT) {
    const least = leastInteresting(columns, rows, shown);
    if (least < 0) break;
    shown = shown.filter((column) => column !== least);
  }
  const lanes = shown.length - 1;
  const needed = rows.reduce((most, row) => {
    if (row.kind !== "packets") return most;
    return laneTexts(row, shown).reduce((longest, text) => Math.max(longest, columnsOf(laneLabel(text)) + 3), most);
  }, LEAST_LANE);
  // names stand under one another: room for the longest, as far as there is any
  const names = Math.max(...shown.map((column) => columnsOf(columns[column]!.name) + 1));
  const wish = Math.min(MOST_LANE, Math.max(needed, names, Math.floor((width * 0.44) / lanes)));
  // what is written on the lanes comes before room on the right, and a little room there before that
  const comfort = Math.max(LEAST_TEXT, Math.floor(width * 0.3));
  let laneWidth = wish;
  while (laneWidth > needed && room(lanes, laneWidth) < comfort) laneWidth--;
  while (laneWidth > LEAST_LANE && room(lanes, laneWidth) < LEAST_TEXT) laneWidth--;
  return { shown, laneWidth, timeWidth, textWidth: Math.max(NARROWEST_TEXT, room(lanes, laneWidth)) };
}

/** The column that is missed least: the one with fewest rewrites, beginnings and ends; -1 where all are needed. */
function leastInteresting(columns: readonly Column[], rows: readonly LadderRow[], shown: readonly number[]): number {
  const worth = new Map<number, number>(shown.map((column) => [column, 0]));
  const add = (column: number, value: number) => {
    if (worth.has(column)) worth.set(column, worth.get(column)! + value);
  };
  for (const row of rows) {
    if (row.kind !== "packets") continue;
    const { journey, moved, rewrites } = row.steps[0]!;
    for (const { stop, isInside } of rewrites) add(journey.stops[stop]!.column, isInside ? 3 : 1);
    if (journey.beginsHere) add(journey.stops[0]!.column, 2);
    if (journey.endsHere) add(journey.stops.at(-1)!.column, 2);
    if (moved) for (const { column } of journey.stops) add(column, 1);
  }
  const middle = shown.slice(1, -1).filter((column) => columns[column]!.role !== "lb" || !columns[column]!.isSeen);
  return middle.reduce((best, column) => (best < 0 || worth.get(column)! < worth.get(best)! ? column : best), -1);
}
