import { Anchors } from "./anchors.ts";
import { type PairClock, SampleList } from "./clock-samples.ts";
import type { LegSet } from "./leg-set.ts";
import type { Session } from "./session.ts";

/** How one capture's clock stands to the run's reference clock. */
export interface CaptureClock {
  /** What its clock shows more than the reference, ns, in the middle of the run. */
  offset: number;
  /** Half the width of the interval that the connections leave for it, ns; infinite where nothing bounds it. */
  uncertainty: number;
  /** Change of the offset, ns per second; 0 where it cannot be told. */
  drift: number;
  /** Largest change between two neighbouring estimates that drift does not explain, ns: a step of the clock. */
  step: number;
  /** Sessions that bound it. */
  samples: number;
  /** Clocks that sessions tie to each other have the same number; times of others cannot be compared. */
  group: number;
  /** Offset at a time of the capture's own clock. */
  at(time: number): number;
}

const STILL = { offset: 0, uncertainty: 0, drift: 0, step: 0, samples: 0, at: () => 0 };

/**
 * Estimates the clock offset of each capture from the sessions themselves: every session seen by two captures in both
 * directions bounds the offset between them, whichever lies nearer to the client. Captures of one node share a clock.
 * The capture with the most shared sessions is the reference; the others are chained to it.
 */
export function estimateClocks(set: LegSet, sessions: readonly Session[]): CaptureClock[] {
  const domainOf = clockDomains(set);
  const domains = Math.max(0, ...domainOf) + 1;
  const clocks = domains < 2 ? [{ ...STILL, group: 0 }] : chain(samplePairs(set, sessions, domainOf, domains), domains);
  return set.captures.map((_, capture) => clocks[domainOf[capture]!]!);
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

/** What the sessions tell of each two domains, under `first * domains + second` with the lower number first. */
type Pairs = Map<number, SampleList>;

function samplePairs(set: LegSet, sessions: readonly Session[], domainOf: readonly number[], domains: number): Pairs {
  const pairs: Pairs = new Map();
  const anchors: Anchors[] = [];
  for (const legs of sessions) {
    if (legs.length < 2) continue;
    legs.forEach((ref, i) => {
      anchors[i] ??= new Anchors();
      anchors[i]!.read(set.view(ref));
    });
    for (let i = 0; i < legs.length; i++) {
      for (let j = i + 1; j < legs.length; j++) {
        const a = domainOf[set.trackOf(legs[i]!).capture]!;
        const b = domainOf[set.trackOf(legs[j]!).capture]!;
        if (a < b) samplesOf(pairs, a * domains + b).addSession(anchors[i]!, anchors[j]!);
        else if (b < a) samplesOf(pairs, b * domains + a).addSession(anchors[j]!, anchors[i]!);
      }
    }
  }
  return pairs;
}

function samplesOf(pairs: Pairs, key: number): SampleList {
  let samples = pairs.get(key);
  if (!samples) {
    samples = new SampleList();
    pairs.set(key, samples);
  }
  return samples;
}

/** Two domains that sessions tie together, and how. */
interface Tie {
  first: number;
  second: number;
  clock: PairClock;
}

/** Chains the domains to the one that shares most with others, along the pairs with the smallest uncertainty. */
function chain(pairs: Pairs, domains: number): CaptureClock[] {
  const ties: Tie[] = [];
  const weight = new Array<number>(domains).fill(0);
  for (const [key, samples] of pairs) {
    const clock = samples.estimate();
    if (clock === null) continue;
    const [first, second] = [Math.floor(key / domains), key % domains];
    ties.push({ first, second, clock });
    weight[first]! += clock.samples;
    weight[second]! += clock.samples;
  }
  ties.sort((a, b) => a.clock.uncertainty - b.clock.uncertainty);
  const clocks = new Array<CaptureClock | undefined>(domains).fill(undefined);
  const byWeight = weight.map((_, domain) => domain).sort((a, b) => weight[b]! - weight[a]! || a - b);
  byWeight.forEach((reference, group) => {
    if (clocks[reference] !== undefined) return;
    const isTied = weight[reference]! > 0;
    clocks[reference] = { ...STILL, group, uncertainty: isTied ? 0 : Number.POSITIVE_INFINITY };
    for (let tie = nextTie(ties, clocks); tie !== undefined; tie = nextTie(ties, clocks)) {
      const isForward = clocks[tie.first] !== undefined;
      const known = clocks[isForward ? tie.first : tie.second]!;
      clocks[isForward ? tie.second : tie.first] = behind(known, tie.clock, isForward ? 1 : -1);
    }
  });
  return clocks as CaptureClock[];
}

/** The tightest tie between a clock that is known and one that is not. */
function nextTie(ties: readonly Tie[], clocks: readonly (CaptureClock | undefined)[]): Tie | undefined {
  return ties.find(({ first, second }) => (clocks[first] === undefined) !== (clocks[second] === undefined));
}

/** The clock at the other end of a tie: the second (1) or the first (-1) of its two. */
function behind(known: CaptureClock, pair: PairClock, sign: 1 | -1): CaptureClock {
  const offsetOf = sign === 1 ? pair.atSecond : pair.atFirst;
  return {
    offset: known.offset + sign * pair.offset,
    uncertainty: known.uncertainty + pair.uncertainty,
    drift: known.drift + sign * pair.drift,
    step: Math.max(known.step, pair.step),
    samples: pair.samples,
    group: known.group,
    at: (time) => {
      const toKnown = sign * offsetOf(time);
      return toKnown + known.at(time - toKnown);
    },
  };
}
