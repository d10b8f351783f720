import * as L from "../flow/leg-layout.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { isOtherLife } from "./lookalikes.ts";
import type { Session } from "./sessions.ts";
import { isSameDestination, isSameSource, isSameTuple } from "./tuples.ts";

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

/** How surely two legs belong to one session. */
const NOT_AT_ALL = 0;
/** Another client address and another destination: only numbers that a full NAT leaves alone agree. */
const HIDDEN = 1;
const SAME_SOURCE = 2;
const SAME_TUPLE = 3;

/**
 * What a leg shows of both directions' sequence numbers and of the client's timestamps. Where a direction itself did
 * not pass, what the other acknowledged is a range of one number.
 */
interface Ranges {
  ref: LegRef;
  hasUp: boolean;
  upFrom: number;
  upTo: number;
  hasDown: boolean;
  downFrom: number;
  downTo: number;
  /** False where the direction is known by acknowledgments only. */
  sawDown: boolean;
  hasTimestamps: boolean;
  tsFirst: number;
  tsLast: number;
  start: number;
  end: number;
  capture: number;
}

/**
 * Joins legs that began before the capture: to sessions whose start another point saw, and to each other. What both
 * legs show of either direction must overlap; legs of another 5-tuple need more (see `kinship`).
 */
export function joinLateLegs(set: LegSet, late: readonly LegRef[], sessions: Session[]): void {
  if (late.length === 0) return;
  const matcher = new LateLegs(set, late);
  for (const session of sessions) for (const ref of session) matcher.offer(ref, session);
  matcher.settle(sessions);
}

class LateLegs {
  private readonly set: LegSet;
  private readonly late: Ranges[];
  private readonly matches: Match[];
  /** Positions in `late` by bucket of the client's sequence space. */
  private readonly buckets = new Map<number, number[]>();

  constructor(set: LegSet, late: readonly LegRef[]) {
    this.set = set;
    this.late = late.map((ref) => rangesOf(set, ref));
    this.matches = late.map(() => new Match());
    this.late.forEach((ranges, position) => {
      for (const bucket of bucketsOf(ranges)) {
        const list = this.buckets.get(bucket);
        if (list) list.push(position);
        else this.buckets.set(bucket, [position]);
      }
    });
  }

  /** Compares a leg of a session with the late legs that lie near it. */
  offer(ref: LegRef, session: Session): void {
    const ranges = rangesOf(this.set, ref);
    for (const position of this.near(ranges)) {
      this.matches[position]!.offer(kinship(this.set, this.late[position]!, ranges), session);
    }
  }

  /** Gives every late leg to the session it fits, or to one of its own, which later ones may fit. */
  settle(sessions: Session[]): void {
    this.late.forEach((ranges, position) => {
      const match = this.matches[position]!;
      let session = match.session;
      if (session && !isOtherLife(this.set, session, [ranges.ref])) session.push(ranges.ref);
      else {
        session = [ranges.ref];
        sessions.push(session);
      }
      for (const other of this.near(ranges)) {
        if (other > position) this.matches[other]!.offer(kinship(this.set, this.late[other]!, ranges), session);
      }
    });
  }

  private near(ranges: Ranges): Set<number> {
    const near = new Set<number>();
    for (const bucket of bucketsOf(ranges)) {
      const list = this.buckets.get(bucket);
      if (!list) continue;
      for (let i = Math.max(0, list.length - MOST_IN_BUCKET); i < list.length; i++) near.add(list[i]!);
    }
    return near;
  }
}

/** The best session that was offered to a leg; none where two fit equally well and only numbers tell. */
class Match {
  private kinship = NOT_AT_ALL;
  private best: Session | null = null;
  private isAmbiguous = false;

  get session(): Session | null {
    return this.isAmbiguous ? null : this.best;
  }

  offer(kinship: number, session: Session): void {
    if (kinship > this.kinship) {
      this.kinship = kinship;
      this.best = session;
      this.isAmbiguous = false;
    } else if (kinship === HIDDEN && this.kinship === HIDDEN && session !== this.best) {
      this.isAmbiguous = true;
    }
  }
}

function* bucketsOf({ hasUp, upFrom, upTo }: Ranges): Generator<number> {
  if (!hasUp) return;
  const last = upTo >>> BUCKET_BITS;
  const count = Math.min(MOST_BUCKETS, ((last - (upFrom >>> BUCKET_BITS)) & 0xffff) + 1);
  for (let i = 0; i < count; i++) yield (last - i) & 0xffff;
}

function rangesOf(set: LegSet, ref: LegRef): Ranges {
  const view = set.view(ref);
  const { up, down } = view;
  const sawUp = up.has(L.SIDE_HAS_BASE);
  const sawDown = down.has(L.SIDE_HAS_BASE);
  return {
    ref,
    hasUp: sawUp || down.has(L.SIDE_HAS_ACK),
    upFrom: sawUp ? up.baseSeq : down.highestAck,
    upTo: sawUp ? up.nextSeq : down.highestAck,
    hasDown: sawDown || up.has(L.SIDE_HAS_ACK),
    downFrom: sawDown ? down.baseSeq : up.highestAck,
    downTo: sawDown ? down.nextSeq : up.highestAck,
    sawDown,
    hasTimestamps: up.has(L.SIDE_TIMESTAMPS),
    tsFirst: up.tsFirst,
    tsLast: up.tsLast,
    start: view.start,
    end: view.end,
    capture: set.trackOf(ref).capture,
  };
}

/** How surely two legs belong to one session, one of them or both having begun before their capture. */
function kinship(set: LegSet, a: Ranges, b: Ranges): number {
  const slack = a.capture === b.capture ? SAME_CLOCK_SLACK_NS : CLOCK_SLACK_NS;
  if (a.start - b.end > slack || b.start - a.end > slack) return NOT_AT_ALL;
  const up = a.hasUp && b.hasUp ? overlap(a.upFrom, a.upTo, b.upFrom, b.upTo) : null;
  const down = a.hasDown && b.hasDown ? overlap(a.downFrom, a.downTo, b.downFrom, b.downTo) : null;
  if (up === false || down === false) return NOT_AT_ALL;
  if (isSameTuple(set, a.ref, b.ref)) return up === true || down === true ? SAME_TUPLE : NOT_AT_ALL;
  if (up !== true) return NOT_AT_ALL;
  if (isSameSource(set, a.ref, b.ref)) return SAME_SOURCE;
  if (a.hasTimestamps !== b.hasTimestamps) return NOT_AT_ALL;
  const sawBoth = down === true && a.sawDown && b.sawDown && !isSameDestination(set, a.ref, b.ref);
  if (!a.hasTimestamps) return sawBoth ? HIDDEN : NOT_AT_ALL;
  const agree =
    ((a.tsLast - b.tsFirst + TIMESTAMP_SLACK) | 0) >= 0 && ((b.tsLast - a.tsFirst + TIMESTAMP_SLACK) | 0) >= 0;
  return agree ? HIDDEN : NOT_AT_ALL;
}

/** True where two ranges of sequence numbers overlap or touch. */
function overlap(aFrom: number, aTo: number, bFrom: number, bTo: number): boolean {
  return ((aTo - bFrom) | 0) >= 0 && ((bTo - aFrom) | 0) >= 0;
}
