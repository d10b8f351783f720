import type { FlowKey, HashBackend, SelectionMethod } from "../selection/selection.ts";
import { changePool } from "./pool-change.ts";
import { selectionAfter } from "./running-balancer.ts";
import { choicesOf } from "./spread.ts";

/** Load balancers behind a router, when their number changes. */
export interface EcmpChange {
  from: number;
  to: number;
  /** How the router spreads flows over them. */
  method: SelectionMethod;
  options: object;
}

/** Of each flow, 1 where the router sends it to another load balancer after the change. */
export function reroutedFlows(keys: readonly FlowKey[], { from, to, method, options }: EcmpChange): Uint8Array {
  const all = balancers(Math.max(from, to));
  const remove = all.slice(to, from).map(({ name }) => name);
  const pool = changePool(all.slice(0, from), { add: all.slice(from, to), remove, drain: [], reweigh: [] });
  const before = choicesOf(method.build(pool.before, options), keys);
  const after = choicesOf(selectionAfter(method, options, pool), keys);
  return Uint8Array.from(before, (choice, i) => (choice === after[i] ? 0 : 1));
}

/** So many next hops of one weight. The last ones come and go. */
function balancers(count: number): HashBackend[] {
  return Array.from({ length: count }, (_, i) => {
    const address = Uint8Array.of(10, 255, (i + 1) >>> 8, (i + 1) & 255);
    return { name: `${address.join(".")}:0`, address, port: 0, weight: 1 };
  });
}
