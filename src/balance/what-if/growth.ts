import type { FlowKey, HashBackend, SelectionMethod } from "../selection/selection.ts";
import type { ShareStatistics } from "../shares.ts";
import { changeEffect } from "./change-effect.ts";
import { changePool } from "./pool-change.ts";
import { growingBalancer } from "./running-balancer.ts";
import { spreadOf } from "./spread.ts";

/** One size of a set that grows backend by backend. */
export interface GrowthStep {
  backends: number;
  skew: ShareStatistics | null;
  /** Of the keys, the share that the last backend added moved, and the least that it had to; null for the first. */
  movedShare: number | null;
  idealShare: number | null;
}

/**
 * How a method fares while a set grows from `from` to `to` backends, one after the other in their order.
 *
 * @param backends at least `to` of them
 */
export function growthOf(
  method: SelectionMethod,
  options: object,
  { backends, from, to }: { backends: readonly HashBackend[]; from: number; to: number },
  keys: readonly FlowKey[],
): GrowthStep[] {
  const steps: GrowthStep[] = [];
  const build = growingBalancer(method, options);
  let before: Int32Array | null = null;
  for (let count = from; count <= to; count++) {
    const set = backends.slice(0, count);
    const { choices, skew } = spreadOf(build(set), set, keys);
    let movedShare: number | null = null;
    let idealShare: number | null = null;
    if (before !== null) {
      const add = set.slice(-1);
      const pool = changePool(set.slice(0, -1), { add, remove: [], drain: [], reweigh: [] });
      const { moved, established } = changeEffect({ pool, before, after: choices });
      movedShare = established === 0 ? 0 : moved / established;
      idealShare = pool.idealShare;
    }
    steps.push({ backends: count, skew, movedShare, idealShare });
    before = choices;
  }
  return steps;
}
