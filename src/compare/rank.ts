import type { Difference, Measure } from "./comparison.ts";

/** What to look at first: what hurts clients, then what may be behind it, then what only differs. */
const GROUP: Readonly<Record<Measure, number>> = {
  reset: 0,
  refused: 0,
  timeout: 0,
  failed: 1,
  moved: 2,
  "vip-presence": 3,
  "member-presence": 3,
  "backend-presence": 3,
  retransmits: 4,
  handshake: 5,
  "first-byte": 5,
  connect: 5,
  "member-shares": 7,
  "backend-shares": 7,
  "reset-cause": 8,
};
/** Fewer failures hurt nobody any more. */
const GOOD_NEWS = 6;

/** Sorts changes, the most pressing first, the larger of equals before. */
export function byPressure(a: Difference, b: Difference): number {
  return groupOf(a) - groupOf(b) || sizeOf(b) - sizeOf(a);
}

function groupOf({ measure, difference }: Difference): number {
  const group = GROUP[measure];
  return group <= GROUP.failed && difference < 0 ? GOOD_NEWS : group;
}

function sizeOf(one: Difference): number {
  return one.kind === "timing"
    ? Math.abs(Math.log(one.after[one.quantile] / one.before[one.quantile]))
    : Math.abs(one.difference);
}
