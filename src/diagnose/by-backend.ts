import type { Connection } from "../path/connection.ts";

/** Connections by their backends, in their order; null holds those of whom nothing shows it. */
export function byBackend(connections: Iterable<Connection>): Map<number | null, Connection[]> {
  const groups = new Map<number | null, Connection[]>();
  for (const connection of connections) {
    const list = groups.get(connection.backend);
    if (list) list.push(connection);
    else groups.set(connection.backend, [connection]);
  }
  return groups;
}
