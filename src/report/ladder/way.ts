import type { Column } from "./column.ts";
import type { PacketsRow } from "./ladder-row.ts";
import { type LaneText, laneTexts } from "./lane-text.ts";

/** A stretch of a packet's way between two columns that are drawn, in the direction of travel. */
export interface Stretch {
  /** Places among the columns drawn, from the left. */
  from: number;
  to: number;
  /** False where nobody watches, between a session's end and the first or last point. */
  isSeen: boolean;
  text: LaneText;
}

/** The way of a row's packets across the columns that are drawn. */
export interface Way {
  isUp: boolean;
  stretches: readonly Stretch[];
  /** Where it was seen last, if it got no further, with what is written there. */
  end: { at: number; text: LaneText } | null;
}

const NOTHING: LaneText = { rewrite: "", delay: "" };

/**
 * What is to be drawn of a row's packets; null where they were seen at no column that is drawn.
 *
 * @param shown columns that are drawn
 */
export function wayOf(row: PacketsRow, columns: readonly Column[], shown: readonly number[]): Way | null {
  const { event, journey } = row.steps[0]!;
  const isUp = event.direction === "up";
  const texts = laneTexts(row, shown);
  const places = journey.stops.flatMap(({ column }) => (shown.includes(column) ? [shown.indexOf(column)] : []));
  const first = places[0];
  const last = places.at(-1);
  if (first === undefined || last === undefined) return null;
  const [start, goal] = endsOf(columns, shown, event.session, isUp);
  const stretches: Stretch[] = [];
  // nobody watches between a session's end and the first point: it came that way all the same
  if (!journey.beginsHere && start !== null && start !== first) {
    stretches.push({ from: start, to: first, isSeen: false, text: NOTHING });
  }
  for (let i = 1; i < places.length; i++) {
    stretches.push({ from: places[i - 1]!, to: places[i]!, isSeen: true, text: texts[i - 1]! });
  }
  const rest = texts[places.length - 1] ?? NOTHING;
  if (journey.endsHere) return { isUp, stretches, end: { at: last, text: rest } };
  if (goal !== null && goal !== last) stretches.push({ from: last, to: goal, isSeen: false, text: rest });
  return { isUp, stretches, end: null };
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
