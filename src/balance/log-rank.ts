import { chiSquareTail } from "./statistics.ts";

/** A life that was watched from one age to another: from `entry`, until it ended at `exit` or was lost sight of. */
export interface WatchedLife {
  entry: number;
  exit: number;
  /** Ended so at `exit`; false where it ended otherwise or went on. */
  isEvent: boolean;
}

export interface LogRank {
  /** Events of the second group beyond those expected at the same ages. */
  excess: number;
  variance: number;
  pValue: number;
}

/**
 * The log-rank test with late entry (Mantel 1966): do two groups meet an event at different rates at the same age?
 * How long each life was watched has no part in it. A variance of 0: the groups were never watched at the same ages
 * when something happened, and nothing can be said.
 */
export function logRank(a: readonly WatchedLife[], b: readonly WatchedLife[]): LogRank {
  const entries = [sortedBy(a, "entry"), sortedBy(b, "entry")] as const;
  const exits = [sortedBy(a, "exit"), sortedBy(b, "exit")] as const;
  const events = new Map<number, [number, number]>();
  [a, b].forEach((group, which) => {
    for (const { exit, isEvent } of group) {
      if (!isEvent) continue;
      const known = events.get(exit) ?? [0, 0];
      known[which as 0 | 1]++;
      events.set(exit, known);
    }
  });
  const entered: [number, number] = [0, 0];
  const left: [number, number] = [0, 0];
  let excess = 0;
  let variance = 0;
  for (const [age, [diedA, diedB]] of [...events].sort(([first], [second]) => first - second)) {
    for (const which of [0, 1] as const) {
      // at risk: entered before this age, or at it with the event itself, and not gone before it
      while (entered[which] < entries[which].length && entries[which][entered[which]]! <= age) entered[which]++;
      while (left[which] < exits[which].length && exits[which][left[which]]! < age) left[which]++;
    }
    const riskA = entered[0] - left[0];
    const riskB = entered[1] - left[1];
    const risk = riskA + riskB;
    const died = diedA + diedB;
    if (riskA <= 0 || riskB <= 0) continue;
    excess += diedB - (died * riskB) / risk;
    if (risk > 1) variance += (died * (riskA / risk) * (riskB / risk) * (risk - died)) / (risk - 1);
  }
  return { excess, variance, pValue: variance > 0 ? chiSquareTail(excess ** 2 / variance, 1) : 1 };
}

function sortedBy(lives: readonly WatchedLife[], key: "entry" | "exit"): Float64Array {
  return Float64Array.from(lives, (life) => life[key]).sort();
}
