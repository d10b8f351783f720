import type { FlowKey, HashBackend, SelectionMethod } from "../selection/selection.ts";
import type { ChangedPool } from "./pool-change.ts";
import { choicesOf } from "./spread.ts";

/** GLB's tables have two backends for each row; no other balancer's have. */
export function hasSecondChance({ id }: SelectionMethod): boolean {
  return /^glb\b/.test(id);
}

/**
 * The two backends that a rendezvous table has for each key after a change, as indices into `pool.after`: a packet goes
 * to one of them, and one that does not know the connection passes it on to the other (GLB's second chance).
 *
 * A drained backend keeps its place in the table: GLB only swaps the two of a row. The second is whom rendezvous would
 * choose if the first were not there.
 */
export function secondChances(
  method: SelectionMethod,
  options: object,
  pool: ChangedPool,
  keys: readonly FlowKey[],
): { first: Int32Array; second: Int32Array } {
  const table = pool.after.map((backend, index): HashBackend => {
    const origin = pool.origins[index]!;
    const isDrained = backend.weight === 0 && origin >= 0;
    return isDrained ? { ...backend, weight: pool.before[origin]!.weight } : backend;
  });
  const first = choicesOf(method.build(table, options), keys);
  const second = new Int32Array(keys.length).fill(-1);
  const keysOf = table.map((): number[] => []);
  first.forEach((choice, key) => {
    if (choice >= 0) keysOf[choice]!.push(key);
  });
  keysOf.forEach((own, absent) => {
    if (own.length === 0) return;
    const rest = table.filter((_, index) => index !== absent);
    if (rest.every(({ weight }) => weight === 0)) return;
    const selection = method.build(rest, options);
    for (const key of own) {
      const choice = selection.select(keys[key]!);
      second[key] = choice >= absent ? choice + 1 : choice;
    }
  });
  return { first, second };
}
