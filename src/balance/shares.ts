import { chiSquareTail } from "./statistics.ts";

/** How evenly something is shared among members, against what each should have. */
export interface ShareStatistics {
  total: number;
  /** Largest share over the one expected of that member. */
  maxOverExpected: number;
  /** Which member that is. */
  worst: number;
  /** Standard deviation over mean, of counts divided by weights. */
  coefficientOfVariation: number;
  /** Jain's fairness index: 1 is even, 1/n is all on one. */
  jain: number;
  chiSquare: number;
  /** Chance of such counts when each item is given independently by weight; no test for bytes or packets. */
  pValue: number;
}

/**
 * @param counts items per member
 * @param weights expected shares up to a factor; even where left out
 */
export function shareStatistics(counts: readonly number[], weights?: readonly number[]): ShareStatistics {
  const members = counts.length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const weightSum = weights?.reduce((sum, weight) => sum + weight, 0) ?? members;
  const expected = counts.map((_, i) => (total * (weights?.[i] ?? 1)) / weightSum);
  let chiSquare = 0;
  let worst = 0;
  let sum = 0;
  let squares = 0;
  counts.forEach((count, i) => {
    if (expected[i]! > 0) chiSquare += (count - expected[i]!) ** 2 / expected[i]!;
    const ratio = expected[i]! > 0 ? count / expected[i]! : 0;
    if (ratio > (expected[worst]! > 0 ? counts[worst]! / expected[worst]! : 0)) worst = i;
    sum += ratio;
    squares += ratio ** 2;
  });
  const mean = sum / Math.max(1, members);
  return {
    total,
    maxOverExpected: expected[worst] ? counts[worst]! / expected[worst]! : 0,
    worst,
    coefficientOfVariation: mean > 0 ? Math.sqrt(Math.max(0, squares / members - mean ** 2)) / mean : 0,
    jain: squares > 0 ? sum ** 2 / (members * squares) : 1,
    chiSquare,
    pValue: chiSquareTail(chiSquare, members - 1),
  };
}
