import { Anchors, compareAnchors } from "./anchors.ts";
import type { LegSet } from "./leg-set.ts";
import type { Session } from "./sessions.ts";

/** How one capture's clock stands to the run's reference clock. */
export interface CaptureClock {
  /** What its clock shows more than the reference, ns, in the middle of the run. */
  offset: number;
  /** Half the width of the interval that the connections leave for it, ns; infinite where nothing bounds it. */
  uncertainty: number;
  /** Change of the offset, ns per second; 0 where it cannot be told. */
  drift: number;
  /** Largest change between two neighbouring estimates, ns: a step of the clock. */
  step: number;
  /** Sessions that bound it. */
  samples: number;
  /** Offset at a time of the capture's own clock. */
  at(time: number): number;
}

/** One session seen by two captures in both directions bounds their offset: as NTP does, from one exchange. */
interface Sample {
  time: number;
  offset: number;
  uncertainty: number;
}

/** Estimates kept along a run, to follow drift and steps. */
const WINDOWS = 64;
/** Sessions looked at for each pair of captures: more would not sharpen the bounds. */
const SESSIONS_PER_PAIR = 4000;
/** A difference smaller than this is jitter of the stamping, not a clock's. */
const JITTER_NS = 20_000;

const STILL: CaptureClock = {
  offset: 0,
  uncertainty: 0,
  drift: 0,
  step: 0,
  samples: 0,
  at: () => 0,
};

/**
 * Estimates the clock offset of each capture from the sessions themselves: every session seen by two captures in both
 * directions bounds the offset between them, whichever lies nearer to the client. Captures of one node share a clock.
 * The capture with the most shared sessions is the reference; the others are chained to it.
 */
export function estimateClocks(set: LegSet, sessions: readonly Session[]): CaptureClock[] {
  const nodeOf = clockDomains(set);
  const domains = Math.max(0, ...nodeOf) + 1;
  if (domains < 2) return set.captures.map(() => STILL);
  const pairs = new Map<number, Sample[]>();
  const anchors: Anchors[] = [];
  for (const { legs } of sessions) {
    if (legs.length < 2) continue;
    legs.forEach((ref, i) => {
      anchors[i] ??= new Anchors();
      anchors[i]!.read(set.view(ref));
    });
    for (let i = 0; i < legs.length; i++) {
      for (let j = i + 1; j < legs.length; j++) {
        const a = nodeOf[set.trackOf(legs[i]!).capture]!;
        const b = nodeOf[set.trackOf(legs[j]!).capture]!;
        if (a === b) continue;
        addSample(pairs, domains, a, b, anchors[i]!, anchors[j]!);
      }
    }
  }
  const clocks = chain(pairs, domains);
  return set.captures.map((_, capture) => clocks[nodeOf[capture]!] ?? STILL);
}

/** Captures of the same node share its clock; a capture whose name says no more than itself is its own domain. */
function clockDomains(set: LegSet): number[] {
  const byNode = new Map<string, number>();
  return set.captures.map((_, capture) => {
    const point = set.points.find((candidate) => candidate.capture === capture);
    const name = point?.nodeName ?? `capture ${capture}`;
    const known = byNode.get(name);
    if (known !== undefined) return known;
    byNode.set(name, byNode.size);
    return byNode.size - 1;
  });
}

function addSample(
  pairs: Map<number, Sample[]>,
  domains: number,
  a: number,
  b: number,
  first: Anchors,
  second: Anchors,
): void {
  const isSwapped = a > b;
  const { up, down } = isSwapped ? compareAnchors(second, first) : compareAnchors(first, second);
  if (Number.isNaN(up) || Number.isNaN(down)) return;
  const key = isSwapped ? b * domains + a : a * domains + b;
  const list = pairs.get(key);
  const anchor = (isSwapped ? second : first).first;
  const sample = { time: anchor, offset: (up + down) / 2, uncertainty: Math.abs(up - down) / 2 };
  if (!list) pairs.set(key, [sample]);
  else if (list.length < SESSIONS_PER_PAIR) list.push(sample);
}

/** Chains the domains to the one that shares most with others, along the pairs with the smallest uncertainty. */
function chain(pairs: ReadonlyMap<number, Sample[]>, domains: number): CaptureClock[] {
  const weight = new Array<number>(domains).fill(0);
  for (const [key, samples] of pairs) {
    weight[Math.floor(key / domains)]! += samples.length;
    weight[key % domains]! += samples.length;
  }
  const clocks: CaptureClock[] = Array.from({ length: domains }, () => unbounded());
  const isKnown = new Array<boolean>(domains).fill(false);
  for (;;) {
    const reference = indexOfLargest(weight, isKnown);
    if (reference < 0) break;
    isKnown[reference] = true;
    clocks[reference] = STILL;
    spread(pairs, domains, clocks, isKnown);
  }
  return clocks;
}

/** Carries offsets from known domains to unknown ones, the tightest pair first. */
function spread(
  pairs: ReadonlyMap<number, Sample[]>,
  domains: number,
  clocks: CaptureClock[],
  isKnown: boolean[],
): void {
  for (;;) {
    let best: { from: number; to: number; clock: CaptureClock } | null = null;
    for (const [key, samples] of pairs) {
      const a = Math.floor(key / domains);
      const b = key % domains;
      if (isKnown[a] === isKnown[b]) continue;
      const pairClock = clockFromSamples(samples);
      if (!best || pairClock.uncertainty < best.clock.uncertainty) {
        best = isKnown[a] ? { from: a, to: b, clock: pairClock } : { from: b, to: a, clock: negated(pairClock) };
      }
    }
    if (!best) return;
    clocks[best.to] = plus(clocks[best.from]!, best.clock);
    isKnown[best.to] = true;
  }
}

function indexOfLargest(weight: readonly number[], isKnown: readonly boolean[]): number {
  let best = -1;
  weight.forEach((value, index) => {
    if (!isKnown[index] && value > 0 && (best < 0 || value > weight[best]!)) best = index;
  });
  return best;
}

/** The tightest sample of each window of the run, joined by straight lines. */
function clockFromSamples(samples: readonly Sample[]): CaptureClock {
  const sorted = samples.toSorted((one, other) => one.time - other.time);
  const begin = sorted[0]!.time;
  const width = Math.max(1, (sorted.at(-1)!.time - begin) / WINDOWS);
  const windows: Sample[][] = [];
  for (const sample of sorted) {
    const own = Math.min(WINDOWS - 1, Math.floor((sample.time - begin) / width));
    windows[own] ??= [];
    windows[own].push(sample);
  }
  const knots = windows.filter((window) => window !== undefined).map(bestOf);
  const trusted = withoutOutliers(knots);
  const middle = trusted[Math.floor(trusted.length / 2)]!;
  const first = trusted[0]!;
  const last = trusted.at(-1)!;
  let step = 0;
  for (let i = 1; i < trusted.length; i++) {
    const change = Math.abs(trusted[i]!.offset - trusted[i - 1]!.offset);
    if (change > step + trusted[i]!.uncertainty + trusted[i - 1]!.uncertainty) step = change;
  }
  const seconds = (last.time - first.time) / 1e9;
  const change = last.offset - first.offset;
  const isDrift = seconds > 1 && Math.abs(change) > first.uncertainty + last.uncertainty + JITTER_NS;
  return {
    offset: middle.offset,
    uncertainty: Math.min(...trusted.map((sample) => sample.uncertainty)),
    drift: isDrift ? change / seconds : 0,
    step,
    samples: samples.length,
    at: (time) => interpolate(trusted, time),
  };
}

/** The tightest few of a window, and of them the middle one: a single mistaken pair must not bend the clock. */
function bestOf(window: readonly Sample[]): Sample {
  const tightest = window.toSorted((one, other) => one.uncertainty - other.uncertainty).slice(0, 5);
  return tightest.toSorted((one, other) => one.offset - other.offset)[tightest.length >> 1]!;
}

/** A knot much looser than the median says little: the lines between its neighbours say more. */
function withoutOutliers(knots: readonly Sample[]): readonly Sample[] {
  const sorted = knots.map((knot) => knot.uncertainty).toSorted((a, b) => a - b);
  const limit = Math.max(sorted[Math.floor(sorted.length / 2)]! * 8, JITTER_NS);
  const kept = knots.filter((knot) => knot.uncertainty <= limit);
  return kept.length > 0 ? kept : knots;
}

function interpolate(knots: readonly Sample[], time: number): number {
  let low = 0;
  let high = knots.length - 1;
  if (time <= knots[low]!.time) return knots[low]!.offset;
  if (time >= knots[high]!.time) return knots[high]!.offset;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle]!.time <= time) low = middle;
    else high = middle;
  }
  const a = knots[low]!;
  const b = knots[high]!;
  return a.offset + ((b.offset - a.offset) * (time - a.time)) / (b.time - a.time);
}

function unbounded(): CaptureClock {
  return { ...STILL, uncertainty: Number.POSITIVE_INFINITY };
}

function negated(clock: CaptureClock): CaptureClock {
  return { ...clock, offset: -clock.offset, drift: -clock.drift, at: (time) => -clock.at(time + clock.offset) };
}

function plus(one: CaptureClock, other: CaptureClock): CaptureClock {
  return {
    offset: one.offset + other.offset,
    uncertainty: one.uncertainty + other.uncertainty,
    drift: one.drift + other.drift,
    step: Math.max(one.step, other.step),
    samples: other.samples,
    at: (time) => one.at(time) + other.at(time),
  };
}
