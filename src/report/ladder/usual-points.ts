import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";

/** Connections looked at. */
const CONNECTIONS_COMPARED = 5000;

/**
 * Observation points of the same node that other connections to the same VIP pass beside a point: by them a packet that
 * came in leaves again.
 *
 * @returns by point of the run
 */
export function usualCompanions(
  { set, connections }: Connected,
  { vip }: Connection,
): ReadonlyMap<number, ReadonlySet<number>> {
  const companions = new Map<number, Set<number>>();
  let looked = 0;
  for (const connection of connections) {
    if (connection.vip !== vip) continue;
    if (++looked > CONNECTIONS_COMPARED) break;
    const points = [...new Set(connection.legs.map((leg) => set.pointOf(leg).index))];
    for (const one of points) {
      for (const other of points) {
        if (one === other || set.points[one]!.nodeName !== set.points[other]!.nodeName) continue;
        companions.set(one, (companions.get(one) ?? new Set()).add(other));
      }
    }
  }
  return companions;
}
