import { isInitialTtl } from "../../path/macs.ts";
import { type Carrier, type Coverage, carrierKey, passesOf } from "./coverage.ts";
import type { PacketEvent } from "./packet-event.ts";
import type { Sighting } from "./sighting.ts";

/** A column that a packet came by. */
export interface Stop {
  /** Number of the column. */
  column: number;
  /** When it was first seen there, ns on the reference clock. */
  time: number;
  /** As it was seen there, in the order in which it travelled. */
  sightings: readonly Sighting[];
}

/** How a packet travelled: where it was seen, in the order of its travel. */
export interface Journey {
  stops: readonly Stop[];
  /**
   * It was made at the first stop: points nearer to its sender that saw others of this direction did not see this one,
   * or it left there with a host's initial TTL, as no packet does that came from farther away.
   */
  beginsHere: boolean;
  /** It got no further than the last stop: points beyond, which saw others of this direction, did not see this one. */
  endsHere: boolean;
  /** Points of the last stop's node by which it may have gone on, but did not, where nothing else is known of it. */
  missedAt: readonly string[];
}

/** Where a packet came by, and whether it began or ended on the way. */
export function journeyOf(coverage: Coverage, event: PacketEvent): Journey {
  const stops = stopsOf(coverage, event);
  const carriers = (coverage.carriers.get(carrierKey(event)) ?? []).filter(
    ({ from, to }) => !(event.time < from) && !(event.time > to),
  );
  const first = stops[0]!;
  const last = stops.at(-1)!;
  const isUp = event.direction === "up";
  const { columns } = coverage;
  const hasFarther = (stop: Stop, sign: number) =>
    carriers.some((one) => sign * signOf(event) * depthBetween(coverage, stop, one) > 0);
  const isLost = (stop: Stop, end: "client" | "backend", sign: number) =>
    isBypassed(coverage, event, stop, end) && !hasFarther(stop, sign);
  const endsHere =
    carriers.some((one) => isBeyond(coverage, event, last, one)) || isLost(last, isUp ? "backend" : "client", 1);
  const { role, sessions } = columns[last.column]!;
  const isEnd = role === (isUp ? "backend" : "client") || sessions.length > 1 || endsHere || hasFarther(last, 1);
  return {
    stops,
    beginsHere:
      carriers.some((one) => isBefore(coverage, event, first, one)) ||
      isMadeAt(coverage, event, first, carriers) ||
      isLost(first, isUp ? "client" : "backend", -1),
    endsHere,
    missedAt: isEnd ? [] : coverage.silent[last.column]!,
  };
}

function stopsOf({ columnOf, placeOf }: Coverage, event: PacketEvent): Stop[] {
  const sign = signOf(event);
  const sorted = event.sightings.toSorted(
    (a, b) =>
      sign * (columnOf.get(a.leg)! - columnOf.get(b.leg)! || placeOf.get(a.leg)! - placeOf.get(b.leg)!) ||
      a.time - b.time ||
      a.packet.frame - b.packet.frame,
  );
  const stops: Stop[] = [];
  for (const sighting of sorted) {
    const column = columnOf.get(sighting.leg)!;
    const last = stops.at(-1);
    if (last?.column === column) {
      const time = Math.min(last.time, sighting.time);
      stops[stops.length - 1] = { column, time, sightings: [...last.sightings, sighting] };
    } else {
      stops.push({ column, time: sighting.time, sightings: [sighting] });
    }
  }
  return stops;
}

function signOf({ direction }: PacketEvent): 1 | -1 {
  return direction === "up" ? 1 : -1;
}

/** Whether a leg lies between a packet's sender and its first stop: it should have seen it. */
function isBefore(coverage: Coverage, event: PacketEvent, stop: Stop, carrier: Carrier): boolean {
  const sign = signOf(event);
  if (carrier.column !== stop.column) return sign * depthBetween(coverage, stop, carrier) < 0;
  const nearest = Math.min(...stop.sightings.map(({ leg }) => sign * coverage.placeOf.get(leg)!));
  return isOnWay(coverage, carrier, stop) && sign * carrier.place < nearest;
}

/** Whether a leg lies between a packet's last stop and its receiver. */
function isBeyond(coverage: Coverage, event: PacketEvent, stop: Stop, carrier: Carrier): boolean {
  const sign = signOf(event);
  if (carrier.column !== stop.column) return sign * depthBetween(coverage, stop, carrier) > 0;
  if (!isOnWay(coverage, carrier, stop)) return false;
  const farthest = Math.max(...stop.sightings.map(({ leg }) => sign * coverage.placeOf.get(leg)!));
  if (sign * carrier.place !== farthest) return sign * carrier.place > farthest;
  const here = stop.sightings.filter(({ leg }) => leg === carrier.leg);
  return carrier.usual > 1 && passesOf(here) < carrier.usual;
}

/** Members of one tier are alternatives: neither lies before the other. */
function depthBetween({ columns }: Coverage, stop: Stop, carrier: Carrier): number {
  return columns[carrier.column]!.depth - columns[stop.column]!.depth;
}

function isOnWay({ together }: Coverage, carrier: Carrier, stop: Stop): boolean {
  return stop.sightings.some(({ leg }) => together.has(`${leg} ${carrier.leg}`));
}

/**
 * Whether a node that is no end passes packets on by a point that saw nothing of this connection: what was seen at the
 * other one began or ended within it.
 */
function isBypassed({ columns, bypassed }: Coverage, event: PacketEvent, stop: Stop, end: string): boolean {
  const watch = bypassed[stop.column];
  const { role, sessions } = columns[stop.column]!;
  if (!watch || role === end || sessions.length > 1) return false;
  return event.time >= watch.from && event.time <= watch.to;
}

/** Whether a packet shows by itself that the node of its first stop made it, and the node is no end of the way. */
function isMadeAt({ columns }: Coverage, event: PacketEvent, stop: Stop, carriers: readonly Carrier[]): boolean {
  const { role, isNextTo } = columns[stop.column]!;
  const isSender = role === (event.direction === "up" ? "client" : "backend") && !isNextTo;
  const isProxy = columns[stop.column]!.sessions.length > 1;
  if (event.kind === "error" || isSender || isProxy) return false;
  const { leg, ttl, srcMac } = stop.sightings[0]!;
  const carrier = carriers.find((one) => one.leg === leg);
  if (!carrier || carrier.ownMac !== srcMac || !isInitialTtl(ttl)) return false;
  // members of its tier show what those look like that come from farther away
  return carriers.some((one) => one.lowersTtl && columns[one.column]!.depth === columns[carrier.column]!.depth);
}
