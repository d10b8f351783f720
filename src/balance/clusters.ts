import { chiSquareTail } from "./statistics.ts";
import type { Counted } from "./two-samples.ts";

/** Fewer clusters than this say nothing of how clusters differ. */
const MIN_CLUSTERS = 4;
/** Clusters that differ no more than chance alone makes them in one of ten cases are none. */
const MAX_CHANCE = 0.1;

/**
 * How many times as much a proportion varies when its trials come in clusters (the connections of one client) than if
 * each were drawn alone: Rao and Scott's design effect (1992), by the ratio estimator. At least 1: what varies less
 * than chance, or no more than it may, is not held against it; a few clusters vary a lot. NaN where clusters are too
 * few, or nothing in them varies.
 */
export function designEffect(clusters: Iterable<Counted>): number {
  const all = [...clusters];
  let events = 0;
  let trials = 0;
  for (const cluster of all) {
    events += cluster.events;
    trials += cluster.trials;
  }
  const share = events / trials;
  const alone = (share * (1 - share)) / trials;
  if (all.length < MIN_CLUSTERS || !(alone > 0)) return Number.NaN;
  let squares = 0;
  let spread = 0;
  for (const cluster of all) {
    const square = (cluster.events - share * cluster.trials) ** 2;
    squares += square;
    if (cluster.trials > 0) spread += square / (cluster.trials * share * (1 - share));
  }
  if (chiSquareTail(spread, all.length - 1) > MAX_CHANCE) return 1;
  const count = effectiveClusters(all.map((cluster) => cluster.trials));
  const clustered = ((count / (count - 1)) * squares) / trials ** 2;
  return Math.max(1, clustered / alone);
}

/** How many clusters of one size would say as much as these of many (Kish 1965). */
export function effectiveClusters(sizes: Iterable<number>): number {
  let sum = 0;
  let squares = 0;
  for (const size of sizes) {
    sum += size;
    squares += size ** 2;
  }
  return squares > 0 ? sum ** 2 / squares : 0;
}

/** Counts as if each of the trials that are left had been drawn alone. */
export function deflate({ events, trials }: Counted, effect: number): Counted {
  return effect > 1 ? { events: events / effect, trials: trials / effect } : { events, trials };
}

/**
 * The design effect of shares: the mean over members of those of their proportions (Rao and Scott 1981), weighted by
 * what each adds to the chi-square.
 *
 * @param clusters what each cluster gave each member, in one order
 */
export function designEffectOfShares(clusters: readonly (readonly number[])[], members: number): number {
  const sums = clusters.map((counts) => counts.reduce((sum, count) => sum + count, 0));
  const trials = sums.reduce((sum, count) => sum + count, 0);
  let weighted = 0;
  let weights = 0;
  for (let member = 0; member < members; member++) {
    const proportions = clusters.map((counts, i) => ({ events: counts[member] ?? 0, trials: sums[i] ?? 0 }));
    const effect = designEffect(proportions);
    if (Number.isNaN(effect)) continue;
    const weight = 1 - proportions.reduce((sum, { events }) => sum + events, 0) / trials;
    weighted += weight * effect;
    weights += weight;
  }
  return weights > 0 ? weighted / weights : Number.NaN;
}
