import * as L from "../flow/leg-layout.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { Session } from "./session.ts";
import { isSameDestination, isSameTuple } from "./tuples.ts";

/** A SYN is tried for about two minutes: legs of one session begin within it. */
const SYN_LIFETIME_NS = 130e9;
/** Clocks of capture points may differ; beyond this, legs that only share the client's number are not joined. */
const CLOCK_SLACK_NS = 3600e9;
/** Timestamps tick once a millisecond at most. */
const SYN_LIFETIME_TICKS = SYN_LIFETIME_NS / 1e6;
/** Clients compared with each other: where more share a number, a tool made it up and it tells nothing. */
const MOST_CLIENTS = 48;
/** Lives of one client's port looked back at. */
const MOST_LIVES = 8;

/** Parts of a session, or a session of its own. */
interface Candidate {
  legs: LegRef[];
  start: number;
}

/**
 * Sessions whose clients chose the same initial sequence number, and whose servers' numbers differ or are not known:
 * one and the same where the balancer tried several backends, where a SYN proxy answers with a number of its own, or
 * where some of the legs saw no answer. What else is known of the client decides: its address and port, or, where a
 * full NAT hid them, its timestamps.
 */
export function settleLookalikes(set: LegSet, sessions: readonly Session[]): Session[] {
  const candidates = sessions
    .map((legs): Candidate => ({ legs, start: startOf(set, legs) }))
    .sort((a, b) => a.start - b.start);
  const bySource = mergeEqualSources(set, candidates);
  const merged = bySource.length > 1 && bySource.length <= MOST_CLIENTS ? mergeHidden(set, bySource) : bySource;
  return merged.map(({ legs }) => legs);
}

/** Joins what has the same client address and port; each to what began nearest to it. */
function mergeEqualSources(set: LegSet, candidates: readonly Candidate[]): Candidate[] {
  const lives = new Map<string, Candidate[]>();
  const settled: Candidate[] = [];
  // What saw an answer first, so that what saw none finds the answered life that it belongs to.
  const answeredFirst = [...candidates].sort((a, b) => Number(isAnswered(set, b)) - Number(isAnswered(set, a)));
  for (const candidate of answeredFirst) {
    const sources = new Set(candidate.legs.map((ref) => sourceKey(set, ref)));
    let best: Candidate | null = null;
    for (const source of sources) {
      for (const life of (lives.get(source) ?? []).slice(-MOST_LIVES)) {
        if (!isWithinSynLifetime(life, candidate) || isOtherLife(set, life.legs, candidate.legs)) continue;
        if (!best || Math.abs(life.start - candidate.start) < Math.abs(best.start - candidate.start)) best = life;
      }
    }
    if (best) absorb(best, candidate);
    else settled.push(candidate);
    for (const source of sources) {
      const known = lives.get(source);
      if (!known) lives.set(source, [best ?? candidate]);
      else if (!known.includes(best ?? candidate)) known.push(best ?? candidate);
    }
  }
  return settled;
}

/** Joins what a full NAT gave another client address, where exactly one partner fits. */
function mergeHidden(set: LegSet, candidates: readonly Candidate[]): Candidate[] {
  const partners = candidates.map((one) =>
    candidates.filter((other) => other !== one && isSameClientHidden(set, one, other)),
  );
  const gone = new Set<Candidate>();
  candidates.forEach((one, index) => {
    if (gone.has(one)) return;
    for (const other of partners[index]!) {
      if (gone.has(other) || isOtherLife(set, one.legs, other.legs)) continue;
      const isOnlyOne = partners[index]!.length === 1 && partners[candidates.indexOf(other)]!.length === 1;
      // Timestamps tell for sure: several of the same client are attempts at several backends.
      if (!isOnlyOne && !hasTimestamps(set, one.legs[0]!)) continue;
      absorb(one, other);
      gone.add(other);
    }
  });
  return candidates.filter((candidate) => !gone.has(candidate));
}

function isSameClientHidden(set: LegSet, a: Candidate, b: Candidate): boolean {
  if (!isWithinSynLifetime(a, b)) return false;
  const [one, other] = [a.legs[0]!, b.legs[0]!];
  const timestamps = hasTimestamps(set, one);
  if (timestamps !== hasTimestamps(set, other)) return false;
  if (timestamps) return hasNearTimestamps(set, one, other);
  // A full NAT changes both addresses; the port may be all that it kept.
  return set.view(one).srcPort === set.view(other).srcPort && !isSameDestination(set, one, other);
}

function hasTimestamps(set: LegSet, ref: LegRef): boolean {
  return set.view(ref).up.has(L.SIDE_TIMESTAMPS);
}

function hasNearTimestamps(set: LegSet, a: LegRef, b: LegRef): boolean {
  const first = set.view(a).up.tsFirst;
  return Math.abs((first - set.view(b).up.tsFirst) | 0) < SYN_LIFETIME_TICKS;
}

/** One point tells the lives of a 4-tuple apart: two legs with the same one are two lives. */
export function isOtherLife(set: LegSet, a: readonly LegRef[], b: readonly LegRef[]): boolean {
  return a.some((one) => b.some((other) => isSameSpot(set, one, other) && isSameTuple(set, one, other)));
}

function isSameSpot(set: LegSet, a: LegRef, b: LegRef): boolean {
  if (set.pointOf(a) !== set.pointOf(b)) return false;
  const context = set.view(a).context;
  return set.view(b).context === context;
}

function isWithinSynLifetime(a: Candidate, b: Candidate): boolean {
  return Math.abs(a.start - b.start) < SYN_LIFETIME_NS + CLOCK_SLACK_NS;
}

function isAnswered(set: LegSet, { legs }: Candidate): boolean {
  return set.view(legs[0]!).down.has(L.SIDE_HAS_BASE);
}

function absorb(into: Candidate, { legs, start }: Candidate): void {
  into.legs.push(...legs);
  into.start = Math.min(into.start, start);
}

function startOf(set: LegSet, legs: readonly LegRef[]): number {
  return legs.reduce((earliest, ref) => Math.min(earliest, set.view(ref).start), Number.POSITIVE_INFINITY);
}

function sourceKey(set: LegSet, ref: LegRef): string {
  const view = set.view(ref);
  return `${view.src.join(" ")} ${view.srcPort}`;
}
