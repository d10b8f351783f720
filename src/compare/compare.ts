import { holm } from "../balance/two-samples.ts";
import type { Comparison, Difference, Incomparable, MemberRow, Subject, VipComparison } from "./comparison.ts";
import { compareEvents, countOf } from "./counts.ts";
import { compareFindings } from "./findings.ts";
import { ALPHA, MIN_KNOWN } from "./limits.ts";
import { type Draft, only, type Pair } from "./pair.ts";
import { leastFailures } from "./power.ts";
import { byPressure } from "./rank.ts";
import { align } from "./same-names.ts";
import { type ConnectionSample, isFailed, type Side } from "./side.ts";
import { type Drafted, draftVip, membersOf, tiersOf } from "./vip-tests.ts";

/**
 * What changed from one side to the other, VIP by VIP, and what of it chance does not explain. Sides swapped, every
 * difference is negated and nothing else changes; a side against itself never differs.
 *
 * All tests of one comparison are held against each other (Holm), so that the chance of calling anything where nothing
 * changed is ALPHA in all.
 */
export function compareSides(one: Side, other: Side): Comparison {
  const { before, after, isSameView, notes } = align(one, other);
  const incomparable: Incomparable[] = [];
  const pairs = pairsOf(before, after);
  const common = pairs.filter((pair) => pair.before.length > 0 && pair.after.length > 0);
  if (common.length === 0) {
    incomparable.push({ measure: "all", subject: null, why: whyNothing(before, after) });
  }
  const drafted = common.map((pair): Drafted => {
    const seen = whereSeen(pair);
    if (seen === null) return draftVip(pair, before, after, isSameView);
    return { drafts: [], incomparable: [{ measure: "all", subject: pair.subject, why: seen }] };
  });
  // a VIP that one side has not is a change only where the sides have others in common
  const missing = common.length === 0 ? [] : pairs.filter((pair) => !common.includes(pair));
  const presence = missing.flatMap((pair) => vipPresence(pair, before, after) ?? []);
  const all = [...drafted.flatMap(({ drafts }) => drafts), ...presence];
  const settled = settle(all);
  const vips = common.map((pair): VipComparison => vipComparison(pair, before, after, settled));
  const changes = settled.filter(({ status }) => status === "changed").sort(byPressure);
  const [main] = common;
  return {
    vips,
    changes,
    findings: compareFindings(before, after, vips, isSameView),
    incomparable: [...incomparable, ...drafted.flatMap((one) => one.incomparable)],
    caveats: [
      ...notes,
      ...before.problems.map((problem) => `before: ${problem}`),
      ...after.problems.map((problem) => `after: ${problem}`),
    ],
    method: {
      alpha: ALPHA,
      correction: "holm",
      tests: all.length,
      leastFailures:
        main === undefined ? null : leastFailures(countOf(main.before, isFailed), main.after.length, all.length),
    },
  };
}

/** VIPs that either side shows to be one, with the connections of both, most first. */
function pairsOf(before: Side, after: Side): Pair[] {
  const keyOf = ({ vip, protocol }: { vip: string; protocol: string }) => `${protocol} ${vip}`;
  const pairs = new Map<string, { subject: Subject; before: ConnectionSample[]; after: ConnectionSample[] }>();
  for (const { vip, protocol } of [...before.vips, ...after.vips]) {
    pairs.set(keyOf({ vip, protocol }), { subject: { vip, protocol }, before: [], after: [] });
  }
  for (const one of before.connections) pairs.get(keyOf(one))?.before.push(one);
  for (const one of after.connections) pairs.get(keyOf(one))?.after.push(one);
  return [...pairs.values()]
    .filter((pair) => pair.before.length + pair.after.length > 0)
    .sort((a, b) => b.before.length + b.after.length - a.before.length - a.after.length);
}

function whyNothing(before: Side, after: Side): string {
  if (before.connections.length === 0 || after.connections.length === 0) {
    const which = before.connections.length > 0 ? "after" : after.connections.length > 0 ? "before" : "either";
    return which === "either" ? "neither side has a connection" : `no connection ${which}`;
  }
  return "no VIP was called on both sides";
}

/** Why a pair's outcomes cannot be compared: its clients' side was captured elsewhere. Null where it can be. */
function whereSeen({ before, after }: Pair): string | null {
  const places = (connections: readonly ConnectionSample[]) => {
    const counts = new Map<string, number>();
    for (const { seenAt } of connections) counts.set(seenAt, (counts.get(seenAt) ?? 0) + 1);
    return counts;
  };
  const ofBefore = places(before);
  const ofAfter = places(after);
  const shared = (own: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>) =>
    [...own].reduce((sum, [place, count]) => sum + (other.has(place) ? count : 0), 0);
  const isShared =
    shared(ofBefore, ofAfter) >= before.length * MIN_KNOWN && shared(ofAfter, ofBefore) >= after.length * MIN_KNOWN;
  if (isShared) return null;
  const names = (counts: ReadonlyMap<string, number>) => [...counts.keys()].slice(0, 3).join(", ");
  return `its clients were seen at ${names(ofBefore)} before and at ${names(ofAfter)} after`;
}

function vipPresence({ subject, before, after }: Pair, ofBefore: Side, ofAfter: Side): Draft | null {
  const isOfVip = ({ vip, protocol }: ConnectionSample) => vip === subject.vip && protocol === subject.protocol;
  if (before.length + after.length === 0) return null;
  const isNew = ({ isNew }: ConnectionSample) => isNew;
  const all = { subject, before: ofBefore.connections.filter(isNew), after: ofAfter.connections.filter(isNew) };
  const draft = compareEvents(all, "vip-presence", isOfVip);
  return draft === null ? null : ({ ...draft, matters: true, explanation: null } as Draft);
}

/** Holds all tests against each other. */
function settle(drafts: readonly Draft[]): Difference[] {
  const adjusted = holm(drafts.map(({ pValue }) => pValue));
  return drafts.map(({ matters, ...draft }, i): Difference => {
    const adjustedPValue = adjusted[i] ?? 1;
    const isChance = !(adjustedPValue < ALPHA);
    const status = isChance ? "same" : !matters ? "slight" : draft.explanation === null ? "changed" : "explained";
    return { ...draft, adjustedPValue, status };
  });
}

function vipComparison(
  { subject, before, after }: Pair,
  ofBefore: Side,
  ofAfter: Side,
  settled: readonly Difference[],
): VipComparison {
  const { vip, protocol } = subject;
  const isOpened = ({ isNew }: ConnectionSample) => isNew;
  const modeOf = ({ vips }: Side) => vips.find((one) => one.vip === vip && one.protocol === protocol)?.mode ?? null;
  const pair = { subject, before, after };
  return {
    vip,
    protocol,
    mode: { before: modeOf(ofBefore), after: modeOf(ofAfter) },
    opened: { before: before.filter(isOpened).length, after: after.filter(isOpened).length },
    watched: { before: before.length, after: after.length },
    backends: memberRows(pair, ({ backend }) => backend),
    tiers: tiersOf(pair).map((tier) => ({ tier, members: memberRows(pair, (one) => membersOf(one, tier)) })),
    differences: settled.filter((one) => one.subject.vip === vip && one.subject.protocol === protocol),
  };
}

/** Who got connections, in numbers. */
function memberRows(pair: Pair, of: (one: ConnectionSample) => string | null): MemberRow[] {
  const names = new Set<string>();
  for (const one of [...pair.before, ...pair.after]) {
    const name = of(one);
    if (name !== null) names.add(name);
  }
  const rows = [...names].map((name): MemberRow => {
    const own = only(pair, pair.subject, (one) => of(one) === name);
    const side = (connections: readonly ConnectionSample[]) => ({
      opened: connections.filter(({ isNew }) => isNew).length,
      watched: connections.length,
      failed: connections.filter(isFailed).length,
    });
    return { name, before: side(own.before), after: side(own.after) };
  });
  return rows.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}
