import type { Connected } from "../path/connect.ts";

/**
 * The same run with the connections alone that something happened to from a time on, as if the others had not been:
 * for looking at a window. Legs, clocks and endpoints are shared with the whole.
 *
 * @param from ns since the base
 * @returns null where all connections are in it; `ids` gives the number that each has in the whole
 */
export function windowOf(connected: Connected, from: number): { connected: Connected; ids: readonly number[] } | null {
  const recent = connected.connections.filter(({ end }) => end >= from);
  if (recent.length === connected.connections.length) return null;
  const connections = recent.map((connection, id) => ({ ...connection, id, healthCheck: false }));
  return { connected: { ...connected, connections }, ids: recent.map(({ id }) => id) };
}
