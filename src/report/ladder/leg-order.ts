import type { LegRef } from "../../path/leg-set.ts";
import type { PacketEvent } from "./packet-event.ts";

/** Differences below this are not told apart: time stamps of two taps on one host jitter that much. */
const RESOLUTION_NS = 500;
/** Packets compared: more would not change the order. */
const EVENTS_COMPARED = 2000;

/** Smallest time that packets took from one leg to another up, and from the other back; infinite where none did. */
interface Apart {
  up: number;
  down: number;
}

/**
 * Puts legs of one session in the order in which a packet of the client meets them, by the packets that both saw: a
 * detour both ways takes time whatever the clocks say. Legs that share no packet keep their order.
 *
 * @param legs client-most first, as far as the join could tell
 */
export function orderLegs(legs: readonly LegRef[], events: readonly PacketEvent[]): LegRef[] {
  const place = new Map(legs.map((leg, i) => [leg, i]));
  const count = legs.length;
  const apart: Apart[] = Array.from({ length: count * count }, () => ({
    up: Number.POSITIVE_INFINITY,
    down: Number.POSITIVE_INFINITY,
  }));
  let compared = 0;
  for (const { direction, sightings } of events) {
    if (compared > EVENTS_COMPARED) break;
    const times = new Map<LegRef, number>();
    for (const { leg, time } of sightings) if (!times.has(leg)) times.set(leg, time);
    if (times.size < 2) continue;
    compared++;
    for (const [a, timeA] of times) {
      for (const [b, timeB] of times) {
        if (a === b) continue;
        const entry = apart[place.get(a)! * count + place.get(b)!]!;
        const took = direction === "up" ? timeB - timeA : timeA - timeB;
        if (took < entry[direction]) entry[direction] = took;
      }
    }
  }
  const isBefore = (a: number, b: number) => {
    const { up, down } = apart[a * count + b]!;
    if (up === Number.POSITIVE_INFINITY && down === Number.POSITIVE_INFINITY) return false;
    if (up === Number.POSITIVE_INFINITY) return down > RESOLUTION_NS;
    return (down === Number.POSITIVE_INFINITY ? up : (up + down) / 2) > RESOLUTION_NS;
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
