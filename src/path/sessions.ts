import { TCP } from "../decode/packet.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/**
 * Legs of one TCP session: one conversation that NAT, DSR and tunnels pass on without terminating it, as seen at any
 * number of points. A terminating proxy makes two sessions of one connection.
 */
export interface Session {
  /** In no particular order. */
  legs: LegRef[];
}

/** Two legs without a common server number must begin this close to be one (a SYN is tried for about two minutes). */
const SYN_LIFETIME_NS = 130e9;
/** Clocks of capture points may differ; beyond this, legs that only share the client's number are not joined. */
const CLOCK_SLACK_NS = 3600e9;

/** What a leg is known by: its client's and server's initial sequence numbers, unchanged by NAT, DSR and tunnels. */
interface Identified {
  ref: LegRef;
  clientIsn: number;
  /** Meaningless unless `hasServerIsn`. */
  serverIsn: number;
  hasServerIsn: boolean;
  start: number;
  srcPort: number;
  src3: number;
  tsFirst: number;
  hasTimestamps: boolean;
}

/**
 * Groups TCP legs into sessions.
 *
 * The strong key is both initial sequence numbers (64 bits of chance). Where a leg lacks the server's (nobody
 * answered, or only one direction passed), the client's must be confirmed by the client's timestamp or its address
 * and port. Legs that began before the capture are matched by overlapping sequence ranges in both directions.
 */
export function groupSessions(set: LegSet): Session[] {
  const buckets = new Map<number, Identified[]>();
  const late: LegRef[] = [];
  for (const track of set.tracks) {
    const { view, tracker } = track;
    for (let leg = 0; leg < tracker.legs.count; leg++) {
      if (!tracker.legs.has(leg)) continue;
      view.at(leg);
      if (view.protocol !== TCP) continue;
      const ref = set.ref(track.index, leg);
      if (!view.has(L.LEG_SYN | L.LEG_SYN_ACK)) {
        late.push(ref);
        continue;
      }
      const { up, down } = view;
      const identified: Identified = {
        ref,
        clientIsn: up.baseSeq,
        serverIsn: down.baseSeq,
        hasServerIsn: down.has(L.SIDE_HAS_BASE),
        start: view.start,
        srcPort: view.srcPort,
        src3: view.src[3],
        tsFirst: up.tsFirst,
        hasTimestamps: up.has(L.SIDE_TIMESTAMPS),
      };
      const bucket = buckets.get(identified.clientIsn);
      if (bucket) bucket.push(identified);
      else buckets.set(identified.clientIsn, [identified]);
    }
  }
  const sessions: Session[] = [];
  for (const bucket of buckets.values()) splitBucket(bucket, sessions);
  joinLateLegs(set, late, sessions);
  return sessions;
}

/** Legs of one client number: one session for each server number; those without one go to the session they fit. */
function splitBucket(bucket: Identified[], sessions: Session[]): void {
  if (bucket.length === 1) {
    sessions.push({ legs: [bucket[0]!.ref] });
    return;
  }
  const clusters: Identified[][] = [];
  for (const leg of bucket) {
    if (!leg.hasServerIsn) continue;
    const cluster = clusters.find((members) => members[0]!.serverIsn === leg.serverIsn);
    if (cluster) cluster.push(leg);
    else clusters.push([leg]);
  }
  mergeRewritten(clusters);
  for (const leg of bucket) {
    if (leg.hasServerIsn) continue;
    const fitting = clusters.filter((members) => members.some((member) => sameClient(member, leg)));
    if (fitting.length > 0) nearest(fitting, leg).push(leg);
    else clusters.push([leg]);
  }
  for (const members of clusters) sessions.push({ legs: members.map((member) => member.ref) });
}

/** A SYN proxy answers for the server: the client's number passes on, the server's is another one. */
function mergeRewritten(clusters: Identified[][]): void {
  for (let i = 0; i < clusters.length; i++) {
    for (let j = clusters.length - 1; j > i; j--) {
      const one = clusters[i]!;
      const other = clusters[j]!;
      if (!one.some((a) => other.some((b) => sameClient(a, b)))) continue;
      one.push(...other);
      clusters.splice(j, 1);
    }
  }
}

/** The client's number is equal: is the client, too? By its timestamps, or its address and port. */
function sameClient(a: Identified, b: Identified): boolean {
  const apart = Math.abs(a.start - b.start);
  if (apart > CLOCK_SLACK_NS + SYN_LIFETIME_NS) return false;
  if (a.src3 === b.src3 && a.srcPort === b.srcPort) return true;
  if (a.hasTimestamps && b.hasTimestamps) return Math.abs((a.tsFirst - b.tsFirst) | 0) < SYN_LIFETIME_NS / 1e6;
  return a.srcPort === b.srcPort;
}

function nearest(clusters: Identified[][], leg: Identified): Identified[] {
  const distance = (members: Identified[]) => Math.min(...members.map((member) => Math.abs(member.start - leg.start)));
  return clusters.reduce((best, members) => (distance(members) < distance(best) ? members : best));
}

/** Where a leg's two sequence ranges lie, for legs without a SYN. */
interface Ranges {
  ref: LegRef;
  session: Session | null;
  upFrom: number;
  upTo: number;
  downFrom: number;
  downTo: number;
  hasUp: boolean;
  hasDown: boolean;
  tsLast: number;
  hasTimestamps: boolean;
  src3: number;
  dst3: number;
  ports: number;
}

/** Buckets of sequence space: 64 KiB, so that the ends of one stream seen at two points fall into the same or the next. */
const BUCKET_BITS = 16;
/** Timestamps of one sender at two points: within this many ticks (they tick at 1000 Hz at most). */
const TIMESTAMP_SLACK = 4000;

/**
 * Joins legs that began before the capture: to each other, and to sessions whose start another point saw. Both
 * directions must overlap, and the timestamps agree where there are any; legs of the same 5-tuple need one direction.
 */
function joinLateLegs(set: LegSet, late: readonly LegRef[], sessions: Session[]): void {
  if (late.length === 0) return;
  const buckets = new Map<number, Ranges[]>();
  const enter = (ranges: Ranges) => {
    const bucket = ranges.upTo >>> BUCKET_BITS;
    const list = buckets.get(bucket);
    if (list) list.push(ranges);
    else buckets.set(bucket, [ranges]);
  };
  // Only sessions that still have something to offer: their ends are entered as well.
  for (const session of sessions) for (const ref of session.legs) enter(rangesOf(set, ref, session));
  for (const ref of late) {
    const ranges = rangesOf(set, ref, null);
    const bucket = ranges.upTo >>> BUCKET_BITS;
    let match: Ranges | undefined;
    for (const near of [bucket, bucket - 1, bucket + 1]) {
      match = buckets.get(near & 0xffff)?.find((other) => belongTogether(ranges, other));
      if (match) break;
    }
    if (match?.session) {
      match.session.legs.push(ref);
      ranges.session = match.session;
    } else {
      ranges.session = { legs: [ref] };
      sessions.push(ranges.session);
    }
    enter(ranges);
  }
}

function rangesOf(set: LegSet, ref: LegRef, session: Session | null): Ranges {
  const view = set.view(ref);
  const { up, down } = view;
  const hasUp = up.has(L.SIDE_HAS_BASE);
  const hasDown = down.has(L.SIDE_HAS_BASE);
  return {
    ref,
    session,
    upFrom: up.baseSeq,
    upTo: hasUp ? up.nextSeq : down.highestAck,
    downFrom: down.baseSeq,
    downTo: hasDown ? down.nextSeq : up.highestAck,
    hasUp,
    hasDown,
    tsLast: up.tsLast,
    hasTimestamps: up.has(L.SIDE_TIMESTAMPS),
    src3: view.src[3],
    dst3: view.dst[3],
    ports: (view.srcPort << 16) | view.dstPort,
  };
}

function belongTogether(a: Ranges, b: Ranges): boolean {
  const up = a.hasUp && b.hasUp ? overlap(a.upFrom, a.upTo, b.upFrom, b.upTo) : null;
  const down = a.hasDown && b.hasDown ? overlap(a.downFrom, a.downTo, b.downFrom, b.downTo) : null;
  if (up === false || down === false) return false;
  if (a.ports === b.ports && a.src3 === b.src3 && a.dst3 === b.dst3) return up === true || down === true;
  if (up !== true) return false;
  const timestampsAgree = a.hasTimestamps && b.hasTimestamps && Math.abs((a.tsLast - b.tsLast) | 0) < TIMESTAMP_SLACK;
  // A leg that a load balancer gave to another backend mid-stream has only the client's direction in common.
  if (down === null) return timestampsAgree || (a.src3 === b.src3 && a.ports >>> 16 === b.ports >>> 16);
  return a.hasTimestamps === b.hasTimestamps && (!a.hasTimestamps || timestampsAgree);
}

function overlap(aFrom: number, aTo: number, bFrom: number, bTo: number): boolean {
  return ((aTo - bFrom) | 0) >= 0 && ((bTo - aFrom) | 0) >= 0 && Math.abs((aTo - bTo) | 0) < 1 << 24;
}
