import { ipvsMh } from "../selection/ipvs-mh.ts";
import { resilient } from "../selection/resilient.ts";
import type { HashBackend, Selection, SelectionMethod } from "../selection/selection.ts";
import type { ChangedPool } from "./pool-change.ts";
import { ResilientGroup } from "./resilient-group.ts";

/**
 * What a balancer that runs comes to by a change while its connections are busy. Most build anew of what they are told;
 * some keep what they had before.
 *
 * @throws RangeError where such a one refuses the backends or options
 */
export function selectionAfter(
  method: SelectionMethod,
  options: object,
  { before, after, origins }: ChangedPool,
): Selection {
  if (isMethod(method, resilient)) {
    const group = new ResilientGroup(before, options);
    group.change(after, true);
    return group.selection(after);
  }
  if (isMethod(method, ipvsMh)) {
    // a destination that drains stays in the table, and its clients fall back or are turned away
    const weights = origins.map((origin) => (origin < 0 ? 0 : before[origin]!.weight));
    return method.build(after, { ...options, before: weights });
  }
  return method.build(after, options);
}

/** A balancer whose backends become more and more, each time long enough after the last that all has settled. */
export function growingBalancer(
  method: SelectionMethod,
  options: object,
): (backends: readonly HashBackend[]) => Selection {
  if (!isMethod(method, resilient)) return (backends) => method.build(backends, options);
  let group: ResilientGroup | null = null;
  return (backends) => {
    if (group === null) group = new ResilientGroup(backends, options);
    else group.change(backends, false);
    return group.selection(backends);
  };
}

function isMethod(method: SelectionMethod, known: { id: string }): boolean {
  return method.id === known.id;
}
