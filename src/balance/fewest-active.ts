import type { Choices } from "./choices.ts";

/** Choices at which backends differed in their active connections: with fewer, nothing can be told. */
const MIN_INFORMATIVE = 12;
/** Choices for each backend: with fewer, most were idle and had no say. */
const MIN_PER_BACKEND = 8;
/** Weights are not looked for among more backends than this: each set of them goes through all choices. */
const MOST_FITTED = 32;
/** Choices that must have been the idlest: a connection's end reaches the balancer earlier or later than the capture. */
const MIN_RATE = 0.85;
/** Weights are looked for up to this ratio. */
const MAX_WEIGHT = 16;
const FITTED_CONFIDENCE = 0.85;
/** So far below the rate after so many choices, the rest cannot be worth going through. */
const ENOUGH_TO_DROP = 256;
const HOPELESS_RATE = 0.7;

/**
 * Did each choice have the fewest active connections for its weight, where backends differed? Random choices do so as
 * often as backends are tied for the fewest.
 *
 * A proxy counts a connection until both sides have closed it, IPVS until the first does (tcp_state_active_table in
 * net/netfilter/ipvs/ip_vs_proto_tcp.c): whichever fits better is taken.
 *
 * Where no weights are given, those are tried as well that the active connections themselves show: least connections
 * keeps them in proportion.
 *
 * @returns how much more often than by chance, 0 to 0.95; 0 where it did not, or nothing can be told
 */
export function fewestActive(choices: Choices): number {
  if (choices.backend.length < choices.backends * MIN_PER_BACKEND) return 0;
  return Math.max(excess(choices, choices.end), excess(choices, choices.closing));
}

function excess(choices: Choices, end: Float64Array): number {
  const even = new Array<number>(choices.backends).fill(1);
  if (choices.weights) return Math.max(rateOf(choices, end, choices.weights), rateOf(choices, end, even));
  const plain = rateOf(choices, end, even);
  if (plain > 0 || choices.backends > MOST_FITTED) return plain;
  let fitted = 0;
  for (const weights of shownWeights(choices, end)) fitted = Math.max(fitted, rateOf(choices, end, weights));
  // Weights fitted to the same choices prove less than given ones.
  return Math.min(FITTED_CONFIDENCE, fitted);
}

/** Connections of each backend that go on, kept up while choices are gone through in their order. */
class Active {
  readonly counts: number[];
  private readonly open: { until: number; backend: number }[] = [];

  constructor(backends: number) {
    this.counts = new Array<number>(backends).fill(0);
  }

  endUntil(time: number): void {
    for (let j = this.open.length - 1; j >= 0; j--) {
      const { until, backend } = this.open[j]!;
      if (until > time) continue;
      this.counts[backend]!--;
      this.open[j] = this.open[this.open.length - 1]!;
      this.open.pop();
    }
  }

  begin(backend: number, until: number): void {
    this.counts[backend]!++;
    this.open.push({ until, backend });
  }
}

function rateOf({ backend, start, backends }: Choices, end: Float64Array, weights: readonly number[]): number {
  const active = new Active(backends);
  let informative = 0;
  let fewest = 0;
  let byChance = 0;
  for (let i = 0; i < backend.length; i++) {
    active.endUntil(start[i]!);
    const choice = backend[i]!;
    if (choice < 0) continue;
    let lowest = Number.POSITIVE_INFINITY;
    let tied = 0;
    for (let b = 0; b < backends; b++) {
      const load = active.counts[b]! / weights[b]!;
      if (load < lowest) {
        lowest = load;
        tied = 1;
      } else if (load === lowest) tied++;
    }
    if (tied < backends) {
      informative++;
      byChance += tied / backends;
      if (active.counts[choice]! / weights[choice]! === lowest) fewest++;
      if (informative === ENOUGH_TO_DROP && fewest < informative * HOPELESS_RATE) return 0;
    }
    active.begin(choice, end[i]!);
  }
  if (informative < MIN_INFORMATIVE) return 0;
  const rate = fewest / informative;
  const expected = byChance / informative;
  return rate < MIN_RATE ? 0 : Math.min(0.95, (rate - expected) / (1 - expected));
}

/** Sets of small whole weights about in proportion to each backend's mean of active connections, uneven ones. */
function* shownWeights({ backend, start, backends }: Choices, end: Float64Array): Generator<number[]> {
  const means = new Array<number>(backends).fill(0);
  for (let i = 0; i < backend.length; i++) if (backend[i]! >= 0) means[backend[i]!]! += end[i]! - start[i]!;
  const largest = Math.max(...means);
  if (!(largest > 0)) return;
  for (let most = 2; most <= MAX_WEIGHT; most++) {
    const weights = means.map((mean) => Math.max(1, Math.round((mean / largest) * most)));
    if (weights.some((weight) => weight !== weights[0])) yield weights;
  }
}
