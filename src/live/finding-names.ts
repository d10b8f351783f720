import type { LiveSession } from "./live-session.ts";

/** Keys of the findings that name a connection, by the connection's name. */
export function findingsByConnection({ findings }: LiveSession): Map<number, string[]> {
  const names = new Map<number, string[]>();
  for (const { key, state, connections } of findings.list()) {
    if (state === "withdrawn") continue;
    for (const id of connections) {
      const list = names.get(id);
      if (list) list.push(key);
      else names.set(id, [key]);
    }
  }
  return names;
}
