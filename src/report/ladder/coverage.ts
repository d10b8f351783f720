import type { LegRef } from "../../path/leg-set.ts";
import { isInitialTtl, type Mac } from "../../path/macs.ts";
import type { Column } from "./column.ts";
import { legsTogether, type PacketEvent } from "./packet-event.ts";
import type { Sighting } from "./sighting.ts";

/** A leg that carried a direction of a session. */
export interface Carrier {
  leg: LegRef;
  column: number;
  /** Its place on the way. */
  place: number;
  /** When its capture was watching, ns on the reference clock. */
  from: number;
  to: number;
  /** Sightings of each packet: two where the point sees it come and go. */
  usual: number;
  /** Packets that came by have lost some of their TTL: one that has not was made here. */
  lowersTtl: boolean;
  /** MAC of the interface, null where it is not known. */
  ownMac: Mac | null;
}

/** What the points of a connection see of each direction when nothing goes wrong. */
export interface Coverage {
  columns: readonly Column[];
  columnOf: ReadonlyMap<LegRef, number>;
  placeOf: ReadonlyMap<LegRef, number>;
  /** By session and direction, see `carrierKey`. */
  carriers: ReadonlyMap<string, readonly Carrier[]>;
  /** Pairs of legs that saw the same packet: they lie on one way, and are no alternatives to each other. */
  together: ReadonlySet<string>;
  /**
   * By column: when a point of its node was watching through which all others pass that come by there, but nothing of
   * this connection; null where there is none.
   */
  bypassed: readonly (Watch | null)[];
  /** By column: other points of its node that saw nothing of this connection. */
  silent: readonly (readonly string[])[];
}

/** When something was watched, ns on the reference clock. */
export interface Watch {
  from: number;
  to: number;
}

export function carrierKey({ session, direction }: Pick<PacketEvent, "session" | "direction">): string {
  return `${session} ${direction}`;
}

interface Count {
  once: number;
  more: number;
  /** Packets with a host's initial TTL, and others. */
  fresh: number;
  worn: number;
}

/** What coverage needs to know of the run's observation points. */
export interface PointFacts {
  /** When the capture of a leg's point was running. */
  watched: (leg: LegRef) => Watch;
  ownMac: (leg: LegRef) => Mac | null;
  /** See `Coverage.bypassed`. */
  bypassed: (column: Column) => Watch | null;
  /** See `Coverage.silent`. */
  silent: (column: Column) => readonly string[];
}

/** @param order all legs, in the order in which the client's packets meet them */
export function coverageOf(
  columns: readonly Column[],
  order: readonly LegRef[],
  events: readonly PacketEvent[],
  { watched, ownMac, bypassed, silent }: PointFacts,
): Coverage {
  const columnOf = new Map<LegRef, number>();
  columns.forEach(({ legs }, column) => {
    for (const leg of legs) columnOf.set(leg, column);
  });
  const placeOf = new Map(order.map((leg, place) => [leg, place]));
  const together = legsTogether(events);
  const counts = new Map<string, Map<LegRef, Count>>();
  for (const event of events) {
    if (event.kind === "error") continue;
    const key = carrierKey(event);
    const legs = counts.get(key) ?? new Map<LegRef, Count>();
    counts.set(key, legs);
    const seen = new Map<LegRef, Sighting[]>();
    for (const sighting of event.sightings) seen.set(sighting.leg, [...(seen.get(sighting.leg) ?? []), sighting]);
    for (const [leg, list] of seen) {
      const count = legs.get(leg) ?? { once: 0, more: 0, fresh: 0, worn: 0 };
      if (passesOf(list) > 1) count.more++;
      else count.once++;
      if (isInitialTtl(list[0]!.ttl)) count.fresh++;
      else count.worn++;
      legs.set(leg, count);
    }
  }
  const carriers = new Map<string, Carrier[]>();
  for (const [key, legs] of counts) {
    carriers.set(
      key,
      [...legs].map(([leg, { once, more, fresh, worn }]) => ({
        leg,
        column: columnOf.get(leg)!,
        place: placeOf.get(leg)!,
        ...watched(leg),
        usual: more > once ? 2 : 1,
        lowersTtl: worn > fresh,
        ownMac: ownMac(leg),
      })),
    );
  }
  const columnFacts = { bypassed: columns.map(bypassed), silent: columns.map(silent) };
  return { columns, columnOf, placeOf, carriers, together, ...columnFacts };
}

/** On how many stretches of its way one point saw a packet; segments of it that follow one another are one. */
export function passesOf(sightings: readonly Sighting[]): number {
  return new Set(sightings.map(({ srcMac, dstMac, ttl }) => `${srcMac} ${dstMac} ${ttl}`)).size;
}
