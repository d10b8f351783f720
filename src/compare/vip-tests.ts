import type { Incomparable, Subject } from "./comparison.ts";
import { compareEvents, compareRetransmits } from "./counts.ts";
import type { Draft, Pair } from "./pair.ts";
import { compareSharing, type Sharing } from "./shares.ts";
import { type ConnectionSample, isFailed, NODE_TIER, type Side } from "./side.ts";
import { compareTimings, TIMINGS } from "./timings.ts";

export interface Drafted {
  drafts: readonly Draft[];
  incomparable: readonly Incomparable[];
}

const FAILURES = ["refused", "reset", "timeout"] as const;

/** Everything that is tested of one VIP. */
export function draftVip(pair: Pair, before: Side, after: Side, isSameView: boolean): Drafted {
  const whole = compareEvents(pair, "failed", isFailed);
  const leastEffect = whole?.kind === "count" ? whole.designEffect : 1;
  const made: (Draft | Incomparable | null)[] = [
    ...FAILURES.map((way) => compareEvents(pair, way, ({ outcome }) => outcome === way)),
    ...resetCauses(pair, isSameView),
    ...traffic(pair, isSameView),
    ...sharings(pair).flatMap((sharing) => compareSharing(pair, sharing)),
    ...parts(pair).map((part) => compareEvents(part, "failed", isFailed, { leastEffect })),
    ...timings(pair, before, after),
  ];
  const found = made.filter((one) => one !== null);
  return {
    drafts: found.filter((one): one is Draft => !("why" in one)),
    incomparable: found.filter((one): one is Incomparable => "why" in one),
  };
}

/** Who got a connection of one tier; null where the tier does not show. */
export function membersOf({ members }: ConnectionSample, tier: string): string | null {
  return members.find((one) => one.tier === tier)?.member ?? null;
}

/** Tiers that have several members; the balancers themselves only where no point before them shows as much. */
export function tiersOf(pair: Pair): string[] {
  const names = new Map<string, Set<string>>();
  for (const { members } of [...pair.before, ...pair.after]) {
    for (const { tier, member } of members) {
      const known = names.get(tier);
      if (known) known.add(member);
      else names.set(tier, new Set([member]));
    }
  }
  const several = [...names].filter(([, members]) => members.size > 1);
  const balancers = names.get(NODE_TIER);
  const isShownBefore = several.some(
    ([tier, members]) => tier !== NODE_TIER && [...(balancers ?? [])].every((name) => members.has(name)),
  );
  return several.map(([tier]) => tier).filter((tier) => tier !== NODE_TIER || !isShownBefore);
}

/** Resets and refusals by author and cause: where the points differ, so does what can be told of them. */
function resetCauses(pair: Pair, isSameView: boolean): (Draft | Incomparable | null)[] {
  const causeOf = ({ reset }: ConnectionSample) => (reset === null ? null : `${reset.by} ${reset.cause}`);
  const causes = new Set([...pair.before, ...pair.after].flatMap((one) => causeOf(one) ?? []));
  if (causes.size === 0) return [];
  const isOneSided = ![pair.before, pair.after].every((side) => side.some(({ reset }) => reset !== null));
  if (!isSameView && !isOneSided) {
    return [{ measure: "reset-cause", subject: pair.subject, why: "other points can tell other authors of resets" }];
  }
  return [...causes]
    .sort()
    .map((cause) => compareEvents(pair, "reset-cause", (one) => causeOf(one) === cause, { detail: cause }));
}

function traffic(pair: Pair, isSameView: boolean): (Draft | Incomparable | null)[] {
  const hasTraffic =
    pair.before.some(({ traffic }) => traffic !== null) && pair.after.some(({ traffic }) => traffic !== null);
  if (!isSameView) {
    const why = "other points see other losses";
    return hasTraffic ? [{ measure: "retransmits", subject: pair.subject, why }] : [];
  }
  return [compareEvents(pair, "moved", ({ hasMoved }) => hasMoved), compareRetransmits(pair)];
}

function sharings({ subject, before, after }: Pair): Sharing[] {
  return [
    {
      shares: "backend-shares",
      presence: "backend-presence",
      of: ({ backend }) => backend,
      subjectOf: (backend) => ({ ...subject, backend }),
      subject,
      what: "the backend",
    },
    ...tiersOf({ subject, before, after }).map(
      (tier): Sharing => ({
        shares: "member-shares",
        presence: "member-presence",
        of: (one) => membersOf(one, tier),
        subjectOf: (member) => ({ ...subject, tier, member }),
        subject: { ...subject, tier },
        what: `${tier === NODE_TIER ? "the load balancer" : `the next hop of ${tier}`}`,
      }),
    ),
  ];
}

/** Backends, and members of each tier, that both sides have: each for itself where there are several. */
function parts(pair: Pair): Pair[] {
  return [
    ...backendsOf(pair),
    ...sharings(pair)
      .slice(1)
      .flatMap((sharing) => partsBy(pair, sharing.of, sharing.subjectOf)),
  ];
}

function backendsOf(pair: Pair): Pair[] {
  return partsBy(
    pair,
    ({ backend }) => backend,
    (backend) => ({ ...pair.subject, backend }),
  );
}

function partsBy(
  pair: Pair,
  of: (one: ConnectionSample) => string | null,
  subjectOf: (name: string) => Subject,
): Pair[] {
  const groups = new Map<string, { before: ConnectionSample[]; after: ConnectionSample[] }>();
  for (const side of ["before", "after"] as const) {
    for (const one of pair[side]) {
      const name = of(one);
      if (name === null) continue;
      const group = groups.get(name) ?? { before: [], after: [] };
      groups.set(name, group);
      group[side].push(one);
    }
  }
  if (groups.size < 2) return [];
  return [...groups].flatMap(([name, group]) =>
    group.before.length > 0 && group.after.length > 0 ? [{ subject: subjectOf(name), ...group }] : [],
  );
}

function timings(pair: Pair, before: Side, after: Side): (Draft | Incomparable | null)[] {
  const durations = { before: before.durationSeconds, after: after.durationSeconds };
  const opened = (side: readonly ConnectionSample[]) => side.filter(({ isNew }) => isNew).length;
  const load = { before: opened(pair.before) / durations.before, after: opened(pair.after) / durations.after };
  const inTime = { durations, load };
  const ofBackends = TIMINGS.filter(([measure]) => measure !== "handshake");
  return [
    ...TIMINGS.map((timing) => compareTimings(pair, timing, inTime)),
    ...backendsOf(pair).flatMap((part) =>
      // what cannot be compared of the VIP was said of the VIP
      ofBackends.map((timing) => compareTimings(part, timing, inTime)).filter((one) => one === null || !("why" in one)),
    ),
  ];
}
