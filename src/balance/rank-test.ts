import { effectiveClusters } from "./clusters.ts";
import { logGamma } from "./statistics.ts";
import { studentTail } from "./two-samples.ts";

/** Measured values with what they have in common: values of one cluster (one client, one moment) go together. */
export interface ClusteredValues {
  values: Float64Array;
  /** Of each value, the number of its cluster, 0 and up; one array for each way of clustering. */
  clusters: readonly Int32Array[];
}

export interface RankTest {
  /**
   * Chance that a value of the second sample is larger than one of the first, ties counted half: 0.5 is no difference.
   */
  superiority: number;
  pValue: number;
}

/** Fewer clusters than this say nothing of how clusters differ. */
const MIN_CLUSTERS = 4;

/**
 * Brunner and Munzel's rank test (2000): is one sample larger than the other, whatever their spreads? For values that
 * go together in clusters, the variance of the placements is summed by cluster (Obuchowski 1997); of several ways of
 * clustering, and none, the one with the largest variance counts.
 */
export function compareRanks(a: ClusteredValues, b: ClusteredValues): RankTest {
  const placementsA = placements(a.values, b.values);
  const placementsB = placements(b.values, a.values);
  // small where b is larger; whole numbers are summed, so that a sample against itself is 0.5 exactly
  const superiority = 1 - sumOf(placementsA) / (2 * a.values.length * b.values.length);
  let pValue = 1;
  const ways = Math.max(a.clusters.length, b.clusters.length);
  let variance = -1;
  for (let way = -1; way < ways; way++) {
    const ofA = varianceOfMean(placementsA, b.values.length, a.clusters[way]);
    const ofB = varianceOfMean(placementsB, a.values.length, b.clusters[way]);
    if (ofA === null || ofB === null || !(ofA.variance + ofB.variance > variance)) continue;
    variance = ofA.variance + ofB.variance;
    if (variance === 0) {
      pValue = superiority === 0.5 ? 1 : chanceOfSeparation(ofA.clusters, ofB.clusters);
      continue;
    }
    const degrees = variance ** 2 / (ofA.variance ** 2 / (ofA.clusters - 1) + ofB.variance ** 2 / (ofB.clusters - 1));
    pValue = studentTail((superiority - 0.5) / Math.sqrt(variance), degrees);
  }
  return { superiority, pValue };
}

/** Chance that of two samples of equals all of one are above all of the other, either way round. */
function chanceOfSeparation(a: number, b: number): number {
  return Math.min(1, 2 * Math.exp(logGamma(a + 1) + logGamma(b + 1) - logGamma(a + b + 1)));
}

/** Of each value, how many of the others are smaller, ties counted half, times two. */
function placements(values: Float64Array, others: Float64Array): Float64Array {
  const sorted = others.toSorted();
  return values.map((value) => countBelow(sorted, value, false) + countBelow(sorted, value, true));
}

/** How many of ascending numbers are below a value, or not above it. */
function countBelow(sorted: Float64Array, value: number, isInclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const isBelow = isInclusive ? sorted[middle]! <= value : sorted[middle]! < value;
    if (isBelow) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * Variance of the mean placement among so many others, as a part of them, when clusters, not values, are what is drawn;
 * null where there are too few of them.
 */
function varianceOfMean(
  placed: Float64Array,
  others: number,
  clusterOf: Int32Array | undefined,
): { variance: number; clusters: number } | null {
  const sums = new Map<number, { deviation: number; size: number }>();
  const average = sumOf(placed) / placed.length;
  placed.forEach((value, i) => {
    const cluster = clusterOf === undefined ? i : clusterOf[i]!;
    const known = sums.get(cluster);
    if (known) {
      known.deviation += value - average;
      known.size++;
    } else sums.set(cluster, { deviation: value - average, size: 1 });
  });
  if (sums.size < (clusterOf === undefined ? 2 : MIN_CLUSTERS)) return null;
  let squares = 0;
  for (const { deviation } of sums.values()) squares += deviation ** 2;
  // of clusters of many sizes, a few large ones decide
  const clusters = effectiveClusters([...sums.values()].map(({ size }) => size));
  return { variance: (squares * clusters) / (clusters - 1) / (2 * placed.length * others) ** 2, clusters };
}
