import { flipLeg } from "../flow/flip-leg.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { isOtherLife } from "./lookalikes.ts";
import { isSentTwice } from "./sent-twice.ts";
import { type Ranges, rangesOf } from "./sequence-ranges.ts";
import type { Session } from "./session.ts";
import { destinationOf, sourceOf } from "./tuples.ts";

/** Sequence space is indexed in buckets of 64 KiB; of long ranges the last of them, where both captures ended. */
const BUCKET_BITS = 16;
const MOST_BUCKETS = 64;
/** Legs of one bucket looked at: where numbers are made up by a tool, all fall into the same. */
const MOST_IN_BUCKET = 256;
/** Timestamps of one sender at two points: within this many ticks (they tick at 1000 Hz at most). */
const TIMESTAMP_SLACK = 4000;
/** Clocks of two captures may differ by this; within one capture times are those of one clock. */
const CLOCK_SLACK_NS = 3600e9;
const SAME_CLOCK_SLACK_NS = 5e9;
/** Where points share one flow's packets (spray, a move), each sees pieces of it: a window apart at most. */
const SAME_SOURCE_GAP = 1 << 20;
/** Ports below it are servers'. */
const FIRST_USER_PORT = 1024;

/** How surely two legs belong to one session. */
const NOT_AT_ALL = 0;
/** Another client address and another destination: only numbers that a full NAT leaves alone agree. */
const HIDDEN = 1;
const SAME_SOURCE = 2;
const SAME_TUPLE = 3;

/**
 * Joins legs that began before the capture: to sessions whose start another point saw, and to each other. What both
 * legs show of either direction must overlap; legs of another 5-tuple need more (see `kinship`).
 *
 * Who is the client of such a leg was a guess by port. A leg that called somebody where other legs show it to be called
 * is turned round, and one that fits another only so as well.
 */
export function joinLateLegs(
  set: LegSet,
  endpoints: EndpointTable,
  late: readonly LegRef[],
  sessions: Session[],
): void {
  if (late.length === 0) return;
  const isServer = serversOf(set, endpoints, sessions);
  for (const ref of late) {
    const isTurned = isServer(sourceOf(set, endpoints, ref)) && !isServer(destinationOf(set, endpoints, ref));
    if (isTurned) flipLeg(set.trackOf(ref).tracker, set.legOf(ref));
  }
  const matcher = new LateLegs(set, endpoints, late, isServer);
  for (const session of sessions) for (const ref of session) matcher.offer(ref, session);
  matcher.settle(sessions);
}

/** Tells endpoints that were called in sessions whose opening was seen. */
function serversOf(set: LegSet, endpoints: EndpointTable, sessions: readonly Session[]): (endpoint: number) => boolean {
  const servers = new Set<number>();
  for (const session of sessions) for (const ref of session) servers.add(destinationOf(set, endpoints, ref));
  return (endpoint) => servers.has(endpoint);
}

/** A late leg as it may be: as it was guessed, or turned round. */
interface Variant {
  late: LateLeg;
  ranges: Ranges;
  isFlipped: boolean;
}

/** A late leg, and the best session that was offered to it. */
interface LateLeg {
  position: number;
  ref: LegRef;
  variants: Variant[];
  kinship: number;
  best: Session | null;
  isFlipped: boolean;
  /** Two sessions fit, and only numbers tell. */
  isAmbiguous: boolean;
}

class LateLegs {
  private readonly set: LegSet;
  private readonly endpoints: EndpointTable;
  /** Those whose direction is sure come first. */
  private readonly late: LateLeg[];
  private readonly buckets = new Map<number, Variant[]>();

  constructor(set: LegSet, endpoints: EndpointTable, late: readonly LegRef[], isServer: (endpoint: number) => boolean) {
    this.set = set;
    this.endpoints = endpoints;
    this.late = late
      .map((ref) => ({ ref, doubt: doubtOf(set, ref, isServer(destinationOf(set, endpoints, ref))) }))
      .sort((a, b) => a.doubt - b.doubt)
      .map(({ ref, doubt }, position) => this.lateLeg(ref, position, doubt > 0));
    for (const { variants } of this.late) {
      for (const variant of variants) {
        for (const bucket of bucketsOf(variant.ranges)) {
          const list = this.buckets.get(bucket);
          if (list) list.push(variant);
          else this.buckets.set(bucket, [variant]);
        }
      }
    }
  }

  private lateLeg(ref: LegRef, position: number, isDoubtful: boolean): LateLeg {
    const { set, endpoints } = this;
    const late: LateLeg = {
      position,
      ref,
      variants: [],
      kinship: NOT_AT_ALL,
      best: null,
      isFlipped: false,
      isAmbiguous: false,
    };
    late.variants.push({ late, ranges: rangesOf(set, endpoints, ref), isFlipped: false });
    if (isDoubtful) {
      this.flip(ref);
      late.variants.push({ late, ranges: rangesOf(set, endpoints, ref), isFlipped: true });
      this.flip(ref);
    }
    return late;
  }

  private flip(ref: LegRef): void {
    flipLeg(this.set.trackOf(ref).tracker, this.set.legOf(ref));
  }

  /** Compares a leg of a session with the late legs that lie near it. */
  offer(ref: LegRef, session: Session): void {
    const ranges = rangesOf(this.set, this.endpoints, ref);
    for (const variant of this.near(ranges)) offer(variant, ranges, session);
  }

  /** Gives every late leg to the session it fits, or to one of its own, which later ones may fit. */
  settle(sessions: Session[]): void {
    for (const late of this.late) {
      const fitting = late.isAmbiguous ? null : late.best;
      let session: Session;
      if (fitting && !isOtherLife(this.set, fitting, [late.ref])) {
        if (late.isFlipped) this.flip(late.ref);
        session = fitting;
        session.push(late.ref);
      } else {
        session = [late.ref];
        sessions.push(session);
      }
      const { ranges } = late.variants[session === fitting && late.isFlipped ? 1 : 0]!;
      for (const variant of this.near(ranges)) {
        if (variant.late.position > late.position) offer(variant, ranges, session);
      }
    }
  }

  private near(ranges: Ranges): Set<Variant> {
    const near = new Set<Variant>();
    for (const bucket of bucketsOf(ranges)) {
      const list = this.buckets.get(bucket);
      if (!list) continue;
      for (let i = Math.max(0, list.length - MOST_IN_BUCKET); i < list.length; i++) near.add(list[i]!);
    }
    return near;
  }
}

function offer({ late, ranges, isFlipped }: Variant, other: Ranges, session: Session): void {
  const found = kinship(ranges, other);
  if (found > late.kinship) {
    late.kinship = found;
    late.best = session;
    late.isFlipped = isFlipped;
    late.isAmbiguous = false;
  } else if (found === HIDDEN && late.kinship === HIDDEN && session !== late.best) {
    late.isAmbiguous = true;
  }
}

/** How much a leg's direction is in doubt: 0 where it is sure, less where the ports lie farther apart. */
function doubtOf(set: LegSet, ref: LegRef, callsServer: boolean): number {
  const { srcPort, dstPort } = set.view(ref);
  if (callsServer || Math.min(srcPort, dstPort) < FIRST_USER_PORT) return 0;
  return 65_536 - Math.abs(srcPort - dstPort);
}

/** Buckets of the client's sequence space, and of its port, which all but a full NAT keep. */
function* bucketsOf({ hasUp, upFrom, upTo, srcPort }: Ranges): Generator<number> {
  yield -1 - srcPort;
  if (!hasUp) return;
  const last = upTo >>> BUCKET_BITS;
  const count = Math.min(MOST_BUCKETS, ((last - (upFrom >>> BUCKET_BITS)) & 0xffff) + 1);
  for (let i = 0; i < count; i++) yield (last - i) & 0xffff;
}

/** How surely two legs belong to one session, one of them or both having begun before their capture. */
function kinship(a: Ranges, b: Ranges): number {
  const slack = a.capture === b.capture ? SAME_CLOCK_SLACK_NS : CLOCK_SLACK_NS;
  if (a.start - b.end > slack || b.start - a.end > slack) return NOT_AT_ALL;
  const gap = a.src === b.src ? SAME_SOURCE_GAP : 0;
  const up = a.hasUp && b.hasUp ? overlap(a.upFrom, a.upTo, b.upFrom, b.upTo, gap) : null;
  const down = a.hasDown && b.hasDown ? overlap(a.downFrom, a.downTo, b.downFrom, b.downTo, gap) : null;
  if (up === false || down === false) return NOT_AT_ALL;
  // A lone reset shows no numbers of a stream: whose it is, only its addresses say.
  if (a.src === b.src && a.dst === b.dst) return SAME_TUPLE;
  if (up !== true || !isSeenTogether(a, b) || isSentTwice(a.arrival, b.arrival)) return NOT_AT_ALL;
  if (a.src === b.src) return SAME_SOURCE;
  if (a.hasTimestamps !== b.hasTimestamps) return NOT_AT_ALL;
  const sawBoth = down === true && a.sawDown && b.sawDown && a.dst !== b.dst;
  if (!a.hasTimestamps) return sawBoth ? HIDDEN : NOT_AT_ALL;
  const agree =
    ((a.tsLast - b.tsFirst + TIMESTAMP_SLACK) | 0) >= 0 && ((b.tsLast - a.tsFirst + TIMESTAMP_SLACK) | 0) >= 0;
  return agree ? HIDDEN : NOT_AT_ALL;
}

/** True where both legs saw one of the directions pass: only then can be told which lies nearer to the client. */
function isSeenTogether(a: Ranges, b: Ranges): boolean {
  return (a.sawUp && b.sawUp) || (a.sawDown && b.sawDown);
}

/** True where two ranges of sequence numbers overlap, touch, or lie no farther apart than the gap. */
function overlap(aFrom: number, aTo: number, bFrom: number, bTo: number, gap: number): boolean {
  return ((aTo - bFrom) | 0) >= -gap && ((bTo - aFrom) | 0) >= -gap;
}
