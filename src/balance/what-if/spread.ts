import type { FlowKey, HashBackend, Selection } from "../selection/selection.ts";
import { type ShareStatistics, shareStatistics } from "../shares.ts";

/** Where a method sends keys, and how evenly. */
export interface Spread {
  /** Index into the backends for each key, -1 where none takes it. */
  choices: Int32Array;
  /** Keys for each backend. */
  counts: number[];
  unserved: number;
  /** Against the weights, over the backends that have one; null where none has or there is no key. */
  skew: ShareStatistics | null;
  /** Index of the backend that has most against what it should have; null without skew. */
  worst: number | null;
}

export function choicesOf(selection: Selection, keys: readonly FlowKey[]): Int32Array {
  const choices = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) choices[i] = selection.select(keys[i]!);
  return choices;
}

export function spreadOf(selection: Selection, backends: readonly HashBackend[], keys: readonly FlowKey[]): Spread {
  const choices = choicesOf(selection, keys);
  const counts = new Array<number>(backends.length).fill(0);
  let unserved = 0;
  for (const choice of choices) {
    if (choice < 0) unserved++;
    else counts[choice]!++;
  }
  return { choices, counts, unserved, ...skewOf(backends, counts) };
}

function skewOf(backends: readonly HashBackend[], counts: readonly number[]): Pick<Spread, "skew" | "worst"> {
  // one that is drained should have nothing, and has: it is no member that stays behind
  const members = backends.flatMap(({ weight }, index) => (weight > 0 ? [index] : []));
  const own = members.map((index) => counts[index]!);
  if (own.reduce((sum, count) => sum + count, 0) === 0) return { skew: null, worst: null };
  const skew = shareStatistics(
    own,
    members.map((index) => backends[index]!.weight),
  );
  return { skew: { ...skew, worst: members[skew.worst]! }, worst: members[skew.worst]! };
}
