import type { Connection } from "./connection.ts";
import { firstMacs } from "./first-macs.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/**
 * Position among a connection's legs of the first that a balancer sent on: the one before it is the last under the
 * VIP. What a tunnel carries may be seen several times on its way; the first sighting counts.
 *
 * @returns -1 where no leg shows a balancer
 */
export function balancerBoundary(set: LegSet, { legs, hops }: Connection): number {
  let boundary = -1;
  for (let i = 0; i < hops.length && boundary < 0; i++) if (hops[i] !== "forward") boundary = i;
  if (boundary < 1 || hops[boundary] !== "dsr-tunnel") return boundary;
  const sent = firstMacs(set, legs[boundary]!, 0);
  if (sent.destination === 0) return boundary;
  while (boundary > 0) {
    const before = firstMacs(set, legs[boundary - 1]!, 0);
    if (before.source !== sent.source || before.destination !== sent.destination) break;
    boundary--;
  }
  return boundary;
}

/** The leg whose frames were sent to the balancer's own MAC, or came nearest to it. */
export function legBeforeBalancer(set: LegSet, connection: Connection, boundary: number): LegRef {
  const { legs, hops } = connection;
  if (boundary <= 0) return legs.at(boundary)!;
  const after = legs[boundary]!;
  const before = legs[boundary - 1]!;
  if (hops[boundary] !== "dsr-l2") return before;
  // frames that a balancer hands on by one interface are one leg with their originals
  return set.pointOf(before).nodeName === set.pointOf(after).nodeName && !set.view(after).passesTwice(0)
    ? before
    : after;
}
