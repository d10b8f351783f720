import { columnsOf } from "../text/page.ts";
import type { Column } from "./column.ts";
import type { Glyphs } from "./glyphs.ts";
import type { PacketsRow } from "./ladder-row.ts";
import { type LaneText, laneLabel, laneTexts } from "./lane-text.ts";
import type { Layout } from "./layout.ts";

const NOTHING: LaneText = { rewrite: "", delay: "" };

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
  const lanes = shown.slice(1).map(() => " ".repeat(laneWidth));
  const knots = shown.map((column) => lifeline(columns[column]!, glyphs));
  const { event, journey } = row.steps[0]!;
  const isUp = event.direction === "up";
  const texts = laneTexts(row, shown);
  const places = journey.stops.flatMap(({ column }) => (shown.includes(column) ? [shown.indexOf(column)] : []));
  const step = isUp ? 1 : -1;
  /** Draws from one lifeline to another, in the direction of travel. */
  const draw = (from: number, to: number, way: string, text: LaneText) => {
    for (let at = from; at !== to; at += step) {
      const isFirst = at === from;
      const isLast = at + step === to;
      if (!isLast && way === glyphs.way) knots[at + step] = glyphs.crossing;
      // the rewrite beside the node that makes it, the time of the way at its end, that within a node beside it
      const hasDelay = way === glyphs.way ? isLast : isFirst;
      const label = laneLabel({ rewrite: isFirst ? text.rewrite : "", delay: hasDelay ? text.delay : "" });
      const head = isLast ? (isUp ? glyphs.up : glyphs.down) : "";
      lanes[isUp ? at : at - 1] = arrow(laneWidth, way, label, head, isUp);
    }
  };
  // nobody watches between a session's end and the first point: it came that way all the same
  const [start, goal] = endsOf(columns, shown, event.session, isUp);
  const first = places[0];
  const last = places.at(-1);
  if (first === undefined || last === undefined) return idleLanes(columns, layout, glyphs);
  if (!journey.beginsHere && start !== null && start !== first) draw(start, first, glyphs.unseenWay, NOTHING);
  for (let i = 1; i < places.length; i++) draw(places[i - 1]!, places[i]!, glyphs.way, texts[i - 1]!);
  const rest = texts[places.length - 1] ?? NOTHING;
  if (journey.endsHere) {
    const lane = isUp ? last : last - 1;
    if (lanes[lane] !== undefined) lanes[lane] = stub(laneWidth, glyphs, laneLabel(rest), isUp);
  } else if (goal !== null && goal !== last) {
    draw(last, goal, glyphs.unseenWay, rest);
  }
  return knots.map((knot, i) => knot + (lanes[i] ?? "")).join("");
}

/** The ends of a session that nobody captured, as places among the columns drawn; null where they were. */
function endsOf(
  columns: readonly Column[],
  shown: readonly number[],
  session: number,
  isUp: boolean,
): [start: number | null, goal: number | null] {
  const own = shown.flatMap((column, place) => (columns[column]!.sessions.includes(session) ? [place] : []));
  const left = own[0];
  const right = own.at(-1);
  const end = (place: number | undefined) => (place === undefined || columns[shown[place]!]!.isSeen ? null : place);
  return isUp ? [end(left), end(right)] : [end(right), end(left)];
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
