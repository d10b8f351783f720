import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { membershipsOf } from "./members.ts";
import type { Membership, Move } from "./membership.ts";

const MIN_MOVED = 3;
/** Moves of one change follow it as the flows send again: within this. */
const BURST_NS = 10e9;
/** More moves than this of one flow are a spray, not a change of the set. */
const MAX_MOVES = 3;
/** Flows whose end comes this soon after the move broke by it. */
const BROKEN_WITHIN_NS = 30e9;

/**
 * `ecmp.rehash`: established flows go on at another member of the tier from one moment on. What follows (a reset by the
 * balancer or a wrong backend, silence, or nothing) is told, not taken for the cause.
 */
export const ecmpRehash: Detector = {
  ids: ["ecmp.rehash"],
  find(subject) {
    return subject.vips.flatMap((group) => rehashOf(subject, group) ?? []);
  },
};

function rehashOf(subject: Case, group: VipGroup): Finding | null {
  if (group.protocol !== 6) return null;
  let best: { membership: Membership; moves: Move[] } | null = null;
  for (const membership of membershipsOf(subject, group)) {
    const single = membership.moves.filter((move) => move.count <= MAX_MOVES);
    const moves = densest(single);
    if (moves.length < MIN_MOVED) continue;
    // A point upstream sees the moves themselves; a balancer's node only what reached it.
    if (
      !best ||
      moves.length > best.moves.length ||
      (moves.length === best.moves.length && membership.kind === "mac")
    ) {
      best = { membership, moves };
    }
  }
  if (!best) return null;
  const { membership, moves } = best;
  const at = moves[0]!.time;
  const before = membersBefore(membership, at);
  const after = membersAfter(subject, membership, at, moves);
  if (isTakeover(before, after, moves)) return null;
  return finding(subject, group, membership, moves, before, after);
}

/** The moves of the window in which most fall. */
function densest(moves: readonly Move[]): Move[] {
  const sorted = moves.toSorted((a, b) => a.time - b.time);
  let best: Move[] = [];
  let from = 0;
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]!.time - sorted[from]!.time > BURST_NS) from++;
    if (to - from + 1 > best.length) best = sorted.slice(from, to + 1);
  }
  return best;
}

/** Members that had flows shortly before. */
function membersBefore(membership: Membership, at: number): Set<string> {
  const members = new Set<string>();
  for (const [{ start, end }, member] of membership.memberOf) {
    if (start < at && end >= at - BURST_NS) members.add(member);
  }
  return members;
}

/** Members that flows were given to or moved to, and those at which flows went on from before. */
function membersAfter(subject: Case, membership: Membership, at: number, moves: readonly Move[]): Set<string> {
  const members = new Set(moves.map((move) => move.to));
  const moved = new Set(membership.moves.map(({ connection }) => connection));
  for (const [connection, member] of membership.memberOf) {
    if (connection.start >= at + BURST_NS || moved.has(connection)) continue;
    const last = subject.reference(connection.front, subject.front(connection).up.lastTime);
    if (connection.start >= at || last > at) members.add(member);
  }
  return members;
}

/** One member before, another one after: a failover, which is another finding. */
function isTakeover(before: ReadonlySet<string>, after: ReadonlySet<string>, moves: readonly Move[]): boolean {
  const sources = new Set(moves.map((move) => move.from));
  const targets = new Set(moves.map((move) => move.to));
  if (before.size !== 1 || sources.size !== 1 || targets.size !== 1) return false;
  const [old] = before;
  return old !== undefined && sources.has(old) && !after.has(old);
}

function finding(
  subject: Case,
  group: VipGroup,
  membership: Membership,
  moves: readonly Move[],
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): Finding {
  const at = moves[0]!.time;
  const name = (key: string) => membership.names.get(key) ?? key;
  const listed = (keys: Iterable<string>) => [...new Set(keys)].map(name).sort().join(", ");
  const broken = moves.filter((move) => isBroken(subject, move));
  const open = group.connections.filter(({ start, end }) => start < at && end > at - 1e9).length;
  const known = new Set([...membership.memberOf].flatMap(([{ start }, member]) => (start < at ? [member] : [])));
  const added = [...after].filter((member) => !before.has(member) && !known.has(member));
  const removed = [...before].filter((member) => !after.has(member));
  const ideal = idealShare(membership, at, added.length, removed, before.size);
  const resets = broken.filter((move) => subject.mainReset(move.connection) !== null).length;
  const vip = subject.text(group.vip);
  const targets = new Set(moves.map((move) => move.to));
  // What came or went is what to look at. Where these points show neither, who got the flows did nothing wrong.
  const changed = listed([...added, ...removed]);
  const what =
    broken.length > 0
      ? `${broken.length} of ${count(open, "open connection")} broke when the ECMP set changed`
      : `${moves.length} of ${count(open, "open connection")} moved when the ECMP set changed; none broke`;
  const change =
    added.length > 0
      ? `${listed(added)} joined`
      : removed.length > 0
        ? `${listed(removed)} left`
        : "the set of next hops changed";
  return {
    id: "ecmp.rehash",
    severity: broken.length > 0 ? "critical" : "warning",
    confidence: confidenceFrom(moves.length),
    title: `${what} (${vip})`,
    explanation:
      `From ${duration(at - subject.start)} on flows that had been seen at ${listed(moves.map((move) => move.from))} went on at ${listed(targets)}, which had never seen their SYN; ${change}. ` +
      `${moves.length} flows moved, ${percent(moves.length, open)} of those open${ideal === null ? "" : `; a consistent hash would have moved ${Math.round(ideal * 100)}%`}. ` +
      `${broken.length > 0 ? `${resets} were reset, ${broken.length - resets} went silent.` : "They went on: the state is shared, or every member chooses the same backend."} New connections are fine.`,
    where: {
      vip,
      ...(targets.size === 1 ? { node: name(moves[0]!.to) } : {}),
      ...(changed === "" ? {} : { member: changed }),
    },
    window: { from: at, to: Math.max(...moves.map((move) => move.time), ...broken.map((move) => move.connection.end)) },
    measured: {
      moved: moves.length,
      open,
      movedShare: moves.length / Math.max(1, open),
      ...(ideal === null ? {} : { idealShare: ideal }),
      broken: broken.length,
      resets,
      membersBefore: before.size,
      membersAfter: after.size,
      seenAt: membership.point,
    },
    connections: moves.map((move) => move.connection.id),
    evidence: moves.slice(0, 3).flatMap((move) => {
      const verdict = subject.mainReset(move.connection);
      return [
        subject.evidence(
          move.ref,
          move.frame,
          `c${move.connection.id}: first packet at ${name(move.to)}, before at ${name(move.from)}`,
        ),
        ...(verdict
          ? [subject.evidence(verdict.ref, verdict.event.frame, `reset of c${move.connection.id} by ${verdict.by}`)]
          : []),
      ];
    }),
    displayFilter: `tcp.flags.reset==1 && ${endpointFilter(subject, group.vip, "src")}`,
    remedy: [
      "hash consistently: ip nexthop add id N group … type resilient buckets 128 idle_timer 120, and route the VIP by `nhid N`",
      "share connection state between the balancers (conntrackd, ipvsadm --start-daemon), or let them choose the backend by one hash (Maglev), so that it does not matter which of them gets a flow",
      "drain before removing, add in quiet hours; net.netfilter.nf_conntrack_tcp_loose=1 lets a balancer pick flows up where all choose alike",
    ],
    explains: { cause: "no-state" },
  };
}

function isBroken(subject: Case, move: Move): boolean {
  const outcome = subject.outcome(move.connection);
  if (outcome === "timeout") return true;
  if (outcome === "reset") {
    const verdict = subject.mainReset(move.connection);
    return verdict !== null && verdict.time >= move.time - 1e9 && verdict.time < move.time + BROKEN_WITHIN_NS;
  }
  const front = subject.front(move.connection);
  return outcome === "open" && front.up.repeatedCount > 0 && front.up.lastTime > front.down.lastTime;
}

/** What a consistent hash would move: the share that members added get, or that the removed ones had. */
function idealShare(
  membership: Membership,
  at: number,
  added: number,
  removed: readonly string[],
  before: number,
): number | null {
  if (added > 0) return added / (before + added);
  if (removed.length === 0) return null;
  let all = 0;
  let gone = 0;
  for (const [connection, member] of membership.memberOf) {
    if (connection.start >= at || connection.end < at) continue;
    all++;
    if (removed.includes(member)) gone++;
  }
  return all === 0 ? null : gone / all;
}
