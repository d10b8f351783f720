import type { LegRef, LegSet } from "./leg-set.ts";
import { destinationMac, type Mac, sourceMac } from "./macs.ts";

/** How the packets of a leg's opener came to their point. */
export interface Arrival {
  /** Index of the run's point. */
  point: number;
  context: number;
  ttl: number;
  source: Mac;
  destination: Mac;
}

export function arrivalOf(set: LegSet, ref: LegRef): Arrival {
  const { up, context } = set.view(ref);
  const { mac } = up;
  return {
    point: set.pointOf(ref).index,
    context,
    ttl: up.packets > 0 ? up.firstTtl : 0,
    source: up.packets > 0 ? sourceMac(mac) : 0,
    destination: up.packets > 0 ? destinationMac(mac) : 0,
  };
}

/**
 * Packets that pass one point in the same way were both sent so: a client that calls two servers, not one call and its
 * translation. That comes from the box that got the call.
 */
export function isSentTwice(a: Arrival, b: Arrival): boolean {
  if (a.point !== b.point || a.context !== b.context || a.ttl === 0 || b.ttl === 0) return false;
  return a.ttl === b.ttl && a.source === b.source && !isHandedOn(a, b) && !isHandedOn(b, a);
}

function isHandedOn(from: Arrival, to: Arrival): boolean {
  return from.destination !== 0 && from.destination === to.source && from.source !== to.source;
}
