import type { LegRef } from "../../path/leg-set.ts";
import { earliest, latest, type PacketEvent } from "./packet-event.ts";

/** The same bytes at two points, cut differently. */
const JOURNEY_NS = 0.2e9;
/** Groups looked at for one that an event overlaps: those ahead of it in the stream are few. */
const RECENT_GROUPS = 64;

interface Range {
  leg: LegRef;
  from: number;
  to: number;
}

interface Group {
  event: PacketEvent;
  ranges: Range[];
  from: number;
  to: number;
  first: number;
  last: number;
}

/**
 * Puts together the events that are the same bytes cut into other segments: offload joins and splits segments as they
 * pass a host, so that no single one is found again at the next point.
 */
export function joinResegmented(events: readonly PacketEvent[]): PacketEvent[] {
  const rest: PacketEvent[] = [];
  const byDirection: Record<string, PacketEvent[]> = { up: [], down: [] };
  const most = { up: legsOf(events, "up"), down: legsOf(events, "down") };
  for (const event of events) {
    const legs = new Set(event.sightings.map(({ leg }) => leg)).size;
    const isPart = event.kind === "tcp" && event.length > 0 && legs < most[event.direction];
    (isPart ? byDirection[event.direction]! : rest).push(event);
  }
  return [...rest, ...joinStream(byDirection.up!), ...joinStream(byDirection.down!)];
}

function legsOf(events: readonly PacketEvent[], direction: string): number {
  return new Set(
    events.flatMap((event) => (event.direction === direction ? event.sightings.map(({ leg }) => leg) : [])),
  ).size;
}

function joinStream(parts: readonly PacketEvent[]): PacketEvent[] {
  if (parts.length < 2) return [...parts];
  const base = parts[0]!.seq;
  const offset = (event: PacketEvent) => (event.seq - base) | 0;
  const sorted = parts.toSorted((a, b) => offset(a) - offset(b) || a.time - b.time);
  const groups: Group[] = [];
  for (const event of sorted) {
    const from = offset(event);
    const to = from + event.length;
    const ranges = [...new Set(event.sightings.map(({ leg }) => leg))].map((leg) => ({ leg, from, to }));
    const first = earliest(event.sightings);
    const last = latest(event.sightings);
    const fits = (group: Group) =>
      group.to > from &&
      first - group.last < JOURNEY_NS &&
      group.first - last < JOURNEY_NS &&
      !ranges.some((range) => group.ranges.some((other) => other.leg === range.leg && other.to > from));
    const group = groups.slice(-RECENT_GROUPS).find(fits);
    if (!group) {
      groups.push({ event, ranges, from, to, first, last });
      continue;
    }
    group.event.sightings.push(...event.sightings);
    group.event.flags |= event.flags;
    group.to = Math.max(group.to, to);
    group.event.length = group.to - group.from;
    group.ranges.push(...ranges);
    group.first = Math.min(group.first, first);
    group.last = Math.max(group.last, last);
  }
  return groups.map(({ event }) => event);
}
