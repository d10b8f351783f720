import type { LegRef } from "../../path/leg-set.ts";
import type { Mac } from "../../path/macs.ts";
import type { PacketEvent } from "./packet-event.ts";
import type { Sighting } from "./sighting.ts";

/** Differences below this are not told apart: time stamps of two taps on one host jitter that much. */
const RESOLUTION_NS = 500;
/** Packets compared: more would not change the order. */
const EVENTS_COMPARED = 2000;

/** What the packets that two legs both saw say of their order. */
interface Apart {
  /** Smallest time that packets took from one leg to the other up, and from the other back; infinite where none did. */
  up: number;
  down: number;
  /** Packets whose TTL was higher at the one that they met first, less those that say the opposite. */
  ttl: number;
  /** The same for packets on the wire between the two, by whose MAC is the sender's. */
  wire: number;
}

/**
 * Puts legs of one session in the order in which a packet of the client meets them, by the packets that both saw: a
 * detour both ways takes time whatever the clocks say, every router lowers the TTL, and a frame names its sender. Legs
 * that share no packet keep their order.
 *
 * @param legs client-most first, as far as the join could tell
 * @param ownMac of a leg's point, null where it is not known
 */
export function orderLegs(
  legs: readonly LegRef[],
  events: readonly PacketEvent[],
  ownMac: (leg: LegRef) => Mac | null,
): LegRef[] {
  const apart = compareLegs(legs, events, ownMac);
  const isBefore = (a: number, b: number) => {
    const { up, down, ttl, wire } = apart[a * legs.length + b]!;
    const hasBoth = up !== Number.POSITIVE_INFINITY && down !== Number.POSITIVE_INFINITY;
    if (hasBoth && Math.abs(up + down) > 2 * RESOLUTION_NS) return up + down > 0;
    if (ttl !== 0) return ttl > 0;
    if (wire !== 0) return wire > 0;
    const took = up !== Number.POSITIVE_INFINITY ? up : down;
    return took !== Number.POSITIVE_INFINITY && took > RESOLUTION_NS;
  };
  const left = legs.map((_, i) => i);
  const ordered: LegRef[] = [];
  while (left.length > 0) {
    // round a ring of wrong stamps the given order holds
    const next = left.find((one) => !left.some((other) => other !== one && isBefore(other, one))) ?? left[0]!;
    left.splice(left.indexOf(next), 1);
    ordered.push(legs[next]!);
  }
  return ordered;
}

function compareLegs(
  legs: readonly LegRef[],
  events: readonly PacketEvent[],
  ownMac: (leg: LegRef) => Mac | null,
): Apart[] {
  const place = new Map(legs.map((leg, i) => [leg, i]));
  const apart: Apart[] = Array.from({ length: legs.length ** 2 }, () => ({
    up: Number.POSITIVE_INFINITY,
    down: Number.POSITIVE_INFINITY,
    ttl: 0,
    wire: 0,
  }));
  let compared = 0;
  for (const { direction, sightings } of events) {
    if (compared > EVENTS_COMPARED) break;
    const seen = new Map<LegRef, Sighting>();
    for (const sighting of sightings) if (!seen.has(sighting.leg)) seen.set(sighting.leg, sighting);
    if (seen.size < 2) continue;
    compared++;
    for (const a of seen.values()) {
      for (const b of seen.values()) {
        if (a === b) continue;
        const entry = apart[place.get(a.leg)! * legs.length + place.get(b.leg)!]!;
        const sign = direction === "up" ? 1 : -1;
        entry[direction] = Math.min(entry[direction], sign * (b.time - a.time));
        entry.ttl += sign * Math.sign(a.ttl - b.ttl);
        entry.wire += sign * (isSentTo(a, b, ownMac) - isSentTo(b, a, ownMac));
      }
    }
  }
  return apart;
}

/** 1 where the same frame was seen at both, and the first point's host sent it or the second's got it. */
function isSentTo(a: Sighting, b: Sighting, ownMac: (leg: LegRef) => Mac | null): 0 | 1 {
  if (a.srcMac === 0 || a.srcMac !== b.srcMac || a.dstMac !== b.dstMac) return 0;
  return ownMac(a.leg) === a.srcMac || ownMac(b.leg) === b.dstMac ? 1 : 0;
}
