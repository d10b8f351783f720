import type { GlbSelection } from "../selection/glb.ts";
import type { FlowKey, Selection } from "../selection/selection.ts";

/** What tells the two backends of a connection's row: GLB's table does, no other balancer's has them. */
export type PairedSelection = Selection & Pick<GlbSelection, "route">;

export function hasSecondChance(selection: Selection): selection is PairedSelection {
  return "route" in selection;
}

/**
 * The two backends that each connection's packets can reach: the primary passes on to the secondary what it does not
 * know (GLB's second chance). Indices into the backends that the selection was built of, -1 for none.
 */
export function secondChances(
  selection: PairedSelection,
  keys: readonly FlowKey[],
): { primary: Int32Array; secondary: Int32Array } {
  const primary = new Int32Array(keys.length);
  const secondary = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const route = selection.route(keys[i]!);
    primary[i] = route.primary;
    secondary[i] = route.secondary;
  }
  return { primary, secondary };
}
