import type { LegView } from "../flow/leg-view.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/** The two ends of a leg as numbers of the run's endpoints. */
export interface Tuple {
  src: number;
  dst: number;
}

/** The tuple of a leg; legs of one session that no NAT separates have the same. */
export function tupleOf(view: LegView, endpoints: EndpointTable): Tuple {
  return { src: endpoints.ofWords(view.src, view.srcPort), dst: endpoints.ofWords(view.dst, view.dstPort) };
}

/** Legs of a session that follow one another with the same tuple. */
export interface Stretch extends Tuple {
  legs: LegRef[];
}

/** Splits ordered legs at the rewrites: one stretch per tuple, in the order in which the client's packets meet them. */
export function stretches(set: LegSet, endpoints: EndpointTable, legs: readonly LegRef[]): Stretch[] {
  const list: Stretch[] = [];
  for (const ref of legs) {
    const { src, dst } = tupleOf(set.view(ref), endpoints);
    const known = list.find((stretch) => stretch.src === src && stretch.dst === dst);
    if (known) known.legs.push(ref);
    else list.push({ src, dst, legs: [ref] });
  }
  return list;
}
