import { encapsulationName } from "../decode/encapsulation.ts";
import type { LegView } from "../flow/leg-view.ts";

/** Tags and tunnels around a leg, outermost first: `vlan 10`, `vxlan 42`, `ipip`. */
export function encapsulationOf(leg: LegView): string[] {
  const layers = leg.tracker.contexts.list[leg.context] ?? [];
  return layers.map(({ kind, id }) => (id < 0 ? encapsulationName(kind) : `${encapsulationName(kind)} ${id}`));
}
