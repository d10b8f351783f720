import { formatSeconds } from "../format-quantity.ts";
import { printable } from "../text/page.ts";
import type { Ladder } from "./ladder.ts";

/** What the clocks of a ladder's captures leave open, in a few words each. */
export function clockNotes({ connected, columns }: Ladder): string[] {
  const { set, clocks } = connected;
  const captures = new Map<number, string>();
  for (const { legs } of columns)
    for (const leg of legs) captures.set(set.trackOf(leg).capture, set.pointOf(leg).nodeName);
  const nodes = new Set(captures.values());
  if (nodes.size < 2) return [];
  const bounded = [...captures.keys()].map((capture) => clocks[capture]!.uncertainty).filter(Number.isFinite);
  const unbounded = [...captures].filter(([capture]) => !Number.isFinite(clocks[capture]!.uncertainty));
  const notes: string[] = [];
  const widest = Math.max(0, ...bounded);
  if (widest > 0) notes.push(`clocks within ${Math.max(0.01, widest / 1e6).toFixed(2)} ms`);
  const apart = [...captures]
    .map(([capture, node]) => ({ node, offset: clocks[capture]!.offset, uncertainty: clocks[capture]!.uncertainty }))
    .filter(({ offset, uncertainty }) => Math.abs(offset) > 1e6 && Math.abs(offset) > uncertainty);
  for (const { node, offset } of new Map(apart.map((one) => [one.node, one])).values()) {
    notes.push(`${printable(node)}'s ${formatSeconds(Math.abs(offset) / 1e9)} ${offset > 0 ? "ahead" : "behind"}`);
  }
  if (unbounded.length > 0) {
    const names = [...new Set(unbounded.map(([, node]) => printable(node)))].join(", ");
    notes.push(`no clock to compare ${names} by`);
  }
  return notes;
}
