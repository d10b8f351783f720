import type { Stop } from "./journey.ts";
import type { PacketsRow } from "./ladder-row.ts";
import type { HopDelay, Step } from "./step.ts";

/** What is written on the way from one stop to the next. */
export interface LaneText {
  /** Names of the rewrites, beside the node that makes them. */
  rewrite: string;
  /** Milliseconds. */
  delay: string;
}

/**
 * What is written on the way of a row's packets, one for each stop that is drawn: on the way that leaves it.
 *
 * @param shown columns that are drawn
 */
export function laneTexts(row: PacketsRow, shown: readonly number[]): LaneText[] {
  const visible = new Set(shown);
  const { journey } = row.steps[0]!;
  const stops = journey.stops.flatMap(({ column }, i) => (visible.has(column) ? [i] : []));
  const texts: LaneText[] = [];
  for (let i = 0; i < stops.length; i++) {
    const from = stops[i]!;
    const to = stops[i + 1] ?? journey.stops.length;
    const rewrite = rewriteNames(row.steps[0]!, from, to).join(" ");
    const delay = i + 1 < stops.length ? medianDelay(row.steps, from, to) : insideDelay(journey.stops[from]!);
    texts.push({ rewrite, delay: delayText(delay) });
  }
  return texts;
}

/** What a packet spent in the last node that saw it, where that saw it come and go. */
function insideDelay({ sightings }: Stop): HopDelay {
  const first = sightings[0]!;
  const last = sightings.at(-1)!;
  const isSame = first.leg === last.leg && first.dstMac === last.dstMac && first.ttl === last.ttl;
  const seconds = isSame ? Number.NaN : (last.time - first.time) / 1e9;
  return { seconds, uncertainty: 0 };
}

function rewriteNames(step: Step, from: number, to: number): string[] {
  const names = step.rewrites
    .filter(({ stop }) => stop >= from && stop < to)
    .map(({ kind }) => (kind === "fullnat" ? "fnat" : kind));
  return [...new Set(names)].filter((name) => name !== "decap" || names.length === 1);
}

function medianDelay(steps: readonly Step[], from: number, to: number): HopDelay {
  const sums = steps
    .map(({ delays }) => sumOf(delays.slice(from, to)))
    .filter(({ seconds }) => !Number.isNaN(seconds))
    .toSorted((a, b) => a.seconds - b.seconds);
  return sums[sums.length >> 1] ?? { seconds: Number.NaN, uncertainty: Number.POSITIVE_INFINITY };
}

function sumOf(delays: readonly HopDelay[]): HopDelay {
  return delays.reduce(
    (sum, { seconds, uncertainty }) => ({
      seconds: sum.seconds + seconds,
      uncertainty: Math.max(sum.uncertainty, uncertainty),
    }),
    { seconds: 0, uncertainty: 0 },
  );
}

/**
 * Milliseconds in a few letters. A packet that arrives before it left shows only that the way took less than the clocks
 * are apart.
 */
export function delayText({ seconds, uncertainty }: HopDelay): string {
  if (Number.isNaN(seconds)) return "";
  return seconds < -0.000005 ? `<${milliseconds(Math.max(uncertainty, -seconds))}` : milliseconds(Math.max(0, seconds));
}

function milliseconds(seconds: number): string {
  const value = seconds * 1e3;
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** Both on one lane. */
export function laneLabel({ rewrite, delay }: LaneText): string {
  return rewrite === "" || delay === "" ? rewrite + delay : `${rewrite} ${delay}`;
}
