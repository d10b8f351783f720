import { ACK } from "../decode/packet.ts";
import { type LegEvent, RESET } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef, LegSet } from "../path/leg-set.ts";
import type { ResetAuthor } from "./reset-verdict.ts";

/** The same reset at several points is seen within this, clocks corrected. */
export const SAME_RESET_NS = 1e9;
/** One reset captured twice on a leg comes again within this: by then its sender has hardly been asked again. */
const TWIN_NS = 1e6;

/** One sighting of a reset: on which leg of its session, in the client-to-backend order. */
export interface Sighting {
  ref: LegRef;
  index: number;
  event: LegEvent;
  time: number;
}

/** Legs of one TCP session of a connection, client-most first, and what a reset's author is when it is made at its ends. */
export interface SessionLegs {
  legs: readonly LegRef[];
  isFront: boolean;
  /** Who holds the upper and the lower socket. */
  upper: ResetAuthor;
  lower: ResetAuthor;
}

export function hasReset(set: LegSet, legs: readonly LegRef[]): boolean {
  for (const ref of legs) if (set.view(ref).has(L.LEG_RST_UP | L.LEG_RST_DOWN)) return true;
  return false;
}

/** The TCP sessions of a connection: the client's own, and what a terminating proxy opened for it. */
export function sessionsOf(connection: Connection): SessionLegs[] {
  const cut = connection.hops.indexOf("proxy");
  if (cut < 0) {
    const lower: ResetAuthor = connection.mode === "proxy" ? "lb" : "backend";
    const upper: ResetAuthor = connection.role === "balancer" ? "lb" : "client";
    return [{ legs: connection.legs, isFront: true, upper, lower: connection.role === "balancer" ? "backend" : lower }];
  }
  return [
    { legs: connection.legs.slice(0, cut), isFront: true, upper: "client", lower: "lb" },
    { legs: connection.legs.slice(cut), isFront: false, upper: "lb", lower: "backend" },
  ];
}

/**
 * True for a reset without a place among the numbers that its side has sent: it answers an acknowledgment of an earlier
 * life of the 4-tuple. One that has its place answers what the capture did not see.
 */
export function isOfEarlierLife({ up, down }: LegView, { side, seq, extra }: LegEvent): boolean {
  const { baseSeq } = side === 0 ? up : down;
  const sent = (extra[0]! - baseSeq) | 0;
  const at = (seq - baseSeq) | 0;
  return at < 0 || at > sent;
}

/** The distinct resets of a session, each with all its sightings in client-to-backend order. */
export function resetsOf(connected: Connected, session: SessionLegs): Sighting[][] {
  const { set, order } = connected;
  const resets: Sighting[][] = [];
  session.legs.forEach((ref, index) => {
    if (!set.view(ref).has(L.LEG_RST_UP | L.LEG_RST_DOWN)) return;
    const track = set.trackOf(ref);
    const shift = order.shiftOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind !== RESET) continue;
      const sighting = { ref, index, event, time: event.time - shift };
      if (resets.some((sightings) => sightings.some((other) => isTwin(other, sighting)))) continue;
      const same = resets.find((sightings) =>
        sightings.some(
          (other) =>
            other.index !== index &&
            other.event.side === event.side &&
            other.event.seq === event.seq &&
            (other.event.flags & ACK) === (event.flags & ACK) &&
            Math.abs(other.time - sighting.time) < SAME_RESET_NS,
        ),
      );
      if (same) same.push(sighting);
      else resets.push([sighting]);
    }
  });
  return resets;
}

/** The same reset on the same leg, captured twice (a mirror of both directions). */
function isTwin(a: Sighting, b: Sighting): boolean {
  return (
    a.ref === b.ref &&
    a.event.side === b.event.side &&
    a.event.seq === b.event.seq &&
    a.event.flags === b.event.flags &&
    Math.abs(a.time - b.time) < TWIN_NS
  );
}
