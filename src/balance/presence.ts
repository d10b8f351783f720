/** A new flow and the member that it was given to. */
export interface GivenFlow<Member> {
  start: number;
  member: Member;
}

/**
 * A member whose flows so rarely stay away from the run's beginning (or end) by chance was not there yet (or any more).
 */
const BY_CHANCE = 0.05;

/** A time in which the same members were there, from one flow to another, both counted. */
export interface Presence<Member> {
  from: number;
  to: number;
  members: ReadonlySet<Member>;
}

/**
 * The longest time, by flows, in which the set of members stayed the same: one that came later or left earlier is not
 * to be judged by the rest. A member that merely gets few flows is there before the first of them, so what is asked is
 * how rare it would be for as many flows as it got to all lie behind its first one.
 *
 * @param flows by start time, one at least
 */
export function longestPresence<Member>(flows: readonly GivenFlow<Member>[]): Presence<Member> {
  const spans = spansOf(flows);
  const edges = new Set([0, flows.length]);
  for (const { first, last } of spans.values()) edges.add(first).add(last + 1);
  const sorted = [...edges].sort((a, b) => a - b);
  let best: Presence<Member> = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY, members: new Set() };
  let most = 0;
  for (let i = 1; i < sorted.length; i++) {
    const from = sorted[i - 1]!;
    const to = sorted[i]!;
    if (to - from <= most) continue;
    most = to - from;
    const there = [...spans].filter(([, { first, last }]) => first <= from && last >= to - 1);
    best = { from: flows[from]!.start, to: flows[to - 1]!.start, members: new Set(there.map(([member]) => member)) };
  }
  return best;
}

/** Indexes of the flows between which each member was there. */
function spansOf<Member>(flows: readonly GivenFlow<Member>[]): Map<Member, { first: number; last: number }> {
  const spans = new Map<Member, { first: number; last: number; flows: number }>();
  flows.forEach(({ member }, index) => {
    const span = spans.get(member);
    if (!span) spans.set(member, { first: index, last: index, flows: 1 });
    else {
      span.last = index;
      span.flows++;
    }
  });
  const all = flows.length;
  for (const span of spans.values()) {
    const { first, last } = span;
    if ((1 - first / all) ** span.flows >= BY_CHANCE) span.first = 0;
    if (((last + 1) / all) ** span.flows >= BY_CHANCE) span.last = all - 1;
  }
  return spans;
}
