import { columnsOf } from "../text/page.ts";
import type { Column } from "./column.ts";
import type { Glyphs } from "./glyphs.ts";
import type { PacketsRow } from "./ladder-row.ts";
import { laneLabel } from "./lane-text.ts";
import type { Layout } from "./layout.ts";
import { wayOf } from "./way.ts";

/** The lifelines of a row on which nothing travels. */
export function idleLanes(columns: readonly Column[], { shown, laneWidth }: Layout, glyphs: Glyphs): string {
  return shown.map((column) => lifeline(columns[column]!, glyphs)).join(" ".repeat(laneWidth));
}

/** The lifelines while nothing happens. */
export function pauseLanes({ shown, laneWidth }: Layout, glyphs: Glyphs): string {
  return shown.map(() => glyphs.pause).join(" ".repeat(laneWidth));
}

/** The way of a row's packets across the lifelines. */
export function packetLanes(row: PacketsRow, columns: readonly Column[], layout: Layout, glyphs: Glyphs): string {
  const { shown, laneWidth } = layout;
  const way = wayOf(row, columns, shown);
  if (way === null) return idleLanes(columns, layout, glyphs);
  const { isUp, stretches, end } = way;
  const lanes = shown.slice(1).map(() => " ".repeat(laneWidth));
  const knots = shown.map((column) => lifeline(columns[column]!, glyphs));
  const step = isUp ? 1 : -1;
  for (const { from, to, isSeen, text } of stretches) {
    for (let at = from; at !== to; at += step) {
      const isFirst = at === from;
      const isLast = at + step === to;
      if (!isLast && isSeen) knots[at + step] = glyphs.crossing;
      // the rewrite beside the node that makes it, the time of the way at its end, that within a node beside it
      const hasDelay = isSeen ? isLast : isFirst;
      const label = laneLabel({ rewrite: isFirst ? text.rewrite : "", delay: hasDelay ? text.delay : "" });
      const head = isLast ? (isUp ? glyphs.up : glyphs.down) : "";
      lanes[isUp ? at : at - 1] = arrow(laneWidth, isSeen ? glyphs.way : glyphs.unseenWay, label, head, isUp);
    }
  }
  if (end !== null) {
    const lane = isUp ? end.at : end.at - 1;
    if (lanes[lane] !== undefined) lanes[lane] = stub(laneWidth, glyphs, laneLabel(end.text), isUp);
  }
  return knots.map((knot, i) => knot + (lanes[i] ?? "")).join("");
}

function lifeline({ isSeen }: Column, glyphs: Glyphs): string {
  return isSeen ? glyphs.line : glyphs.unseenLine;
}

/** One lane of an arrow: the text in the middle, the head at the end towards which it travels. */
function arrow(width: number, way: string, text: string, head: string, isUp: boolean): string {
  const room = width - head.length;
  const fitting = columnsOf(text) + 2 <= room ? spaced(text, room - 2) : spaced(shortened(text, room), room - 2);
  const left = Math.floor((room - columnsOf(fitting)) / 2);
  const body = way.repeat(left) + fitting + way.repeat(room - columnsOf(fitting) - left);
  return isUp ? body + head : head + body;
}

function stub(width: number, glyphs: Glyphs, text: string, isUp: boolean): string {
  const fitting = columnsOf(text) + 4 <= width ? spaced(text, width - 4) : "";
  const way = glyphs.way.repeat(2) + fitting + glyphs.way + glyphs.end;
  const space = " ".repeat(Math.max(0, width - columnsOf(way)));
  return isUp ? way + space : space + glyphs.end + glyphs.way + fitting + glyphs.way.repeat(2);
}

/** With a space on either side where there is room. */
function spaced(text: string, room: number): string {
  return text !== "" && columnsOf(text) + 2 <= room ? ` ${text} ` : text;
}

/** The words that fit, the last first: the delay rather than the name of the rewrite, which the head tells. */
function shortened(text: string, room: number): string {
  const words = text.split(" ");
  while (words.length > 0 && columnsOf(words.join(" ")) + 1 > room) words.shift();
  return words.join(" ");
}
