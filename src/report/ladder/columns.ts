import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegRef } from "../../path/leg-set.ts";
import type { Mac } from "../../path/macs.ts";
import type { Column } from "./column.ts";
import { type HostFacts, markEnd } from "./end-host.ts";
import { legsTogether, type PacketEvent } from "./packet-event.ts";
import { isHandedOn } from "./rewrites.ts";
import type { Sighting } from "./sighting.ts";

/** A node on the way, once for each time that the way leads there. */
interface Visit {
  node: string;
  legs: LegRef[];
  sessions: Set<number>;
  depth: number;
}

/**
 * The columns of a ladder, from client to backend: a column for each node, and one for what lies at an end, or between
 * the two sessions of a proxy, and was not captured.
 *
 * @param sessions legs of each session, in the order in which the client's packets meet them
 */
export function columnsOf(
  connected: Connected,
  connection: Connection,
  sessions: readonly (readonly LegRef[])[],
  events: readonly PacketEvent[],
  hosts: HostFacts,
): Column[] {
  const visits = visitsOf(connected, sessions, events);
  setDepths(visits, sessions, events);
  visits.sort((a, b) => a.depth - b.depth);
  const isAlone = visits.length < 2;
  const columns: Column[] = visits.map((visit) => ({
    name: visit.node,
    role: null,
    isSeen: true,
    isNextTo: false,
    points: [...new Set(visit.legs.map((leg) => connected.set.pointOf(leg).name))],
    legs: visit.legs,
    depth: visit.depth,
    sessions: [...visit.sessions],
  }));
  markBalancers(connected, columns, connection, events, hosts.direct);
  const first = columns[0]!;
  const deepest = Math.max(...columns.map(({ depth }) => depth));
  if (columns.filter(({ depth }) => depth === first.depth).length === 1) {
    markEnd(connected, first, "client", hosts, isAlone);
  }
  for (const column of columns) if (column.depth === deepest) markEnd(connected, column, "backend", hosts, isAlone);
  for (const column of columns) if (hosts.given.isGivenAs(column.name, "lb")) column.role ??= "lb";
  const ends = sessions.length - 1;
  const { given } = hosts;
  const { client, backend } = connection;
  if (first.role !== "client") columns.unshift(unseen("client", given.ownerOf(client), -1, [0]));
  if (!columns.some(({ role }) => role === "backend")) {
    columns.push(unseen("backend", backend === null ? null : given.ownerOf(backend), deepest + 1, [ends]));
  }
  if (ends > 0 && !columns.some((column) => column.sessions.length > 1)) {
    const at = columns.findIndex((column) => column.sessions[0] === 1);
    const opener = sessions[1]?.[0];
    const name = opener === undefined ? null : given.openerOf(opener);
    columns.splice(at, 0, unseen("lb", name, columns[at]!.depth - 0.5, [0, 1]));
  }
  return columns;
}

/** A column for what nobody captured, called by its part where nothing was given of it. */
function unseen(
  role: "client" | "lb" | "backend",
  name: string | null,
  depth: number,
  sessions: readonly number[],
): Column {
  return { name: name ?? role, role, isSeen: false, isNextTo: false, points: [], legs: [], depth, sessions };
}

function visitsOf(
  { set }: Connected,
  sessions: readonly (readonly LegRef[])[],
  events: readonly PacketEvent[],
): Visit[] {
  const shapes = shapesOf(events);
  const together = legsTogether(events);
  const visits: Visit[] = [];
  sessions.forEach((legs, session) => {
    for (const leg of legs) {
      const shape = shapes.get(leg);
      if (shape === undefined) continue;
      const node = set.pointOf(leg).nodeName;
      const known = visits.findLast((visit) => visit.node === node);
      const visit = known && !comesBack(visits, known, leg, shapes, together) ? known : null;
      if (visit) {
        visit.legs.push(leg);
        visit.sessions.add(session);
      } else {
        visits.push({ node, legs: [leg], sessions: new Set([session]), depth: 0 });
      }
    }
  });
  return visits;
}

/**
 * Whether a leg is a second visit to a node, after what lies between had rewritten the packets: a router on both sides
 * of a load balancer with one arm. Else the order of the legs is a matter of nanoseconds.
 */
function comesBack(
  visits: readonly Visit[],
  known: Visit,
  leg: LegRef,
  shapes: ReadonlyMap<LegRef, string>,
  together: ReadonlySet<string>,
): boolean {
  const has = (visit: Visit, wanted: string) => visit.legs.some((one) => shapes.get(one) === wanted);
  const shape = shapes.get(leg)!;
  if (has(known, shape) || !known.legs.some((one) => together.has(`${one} ${leg}`))) return false;
  const between = visits.slice(visits.indexOf(known) + 1);
  return between.some((visit) => has(visit, shape) && known.legs.some((one) => has(visit, shapes.get(one)!)));
}

/** What the packets of each leg look like, both directions alike: what a rewrite changes. */
function shapesOf(events: readonly PacketEvent[]): Map<LegRef, string> {
  const shapes = new Map<LegRef, string>();
  for (const { sightings } of events) {
    for (const sighting of sightings) {
      if (sighting.kind === "error" && shapes.has(sighting.leg)) continue;
      if (!shapes.has(sighting.leg)) shapes.set(sighting.leg, shapeOf(sighting));
    }
  }
  return shapes;
}

function shapeOf({ direction, src, dst, encapsulation }: Sighting): string {
  const [client, server] = direction === "up" ? [src, dst] : [dst, src];
  return `${client} ${server} ${encapsulation.filter((text) => text.includes("→")).join()}`;
}

/** Depth of a node: the longest way by which a packet of the client came there. */
function setDepths(
  visits: readonly Visit[],
  sessions: readonly (readonly LegRef[])[],
  events: readonly PacketEvent[],
): void {
  const visitOf = new Map<LegRef, Visit>();
  for (const visit of visits) for (const leg of visit.legs) visitOf.set(leg, visit);
  const place = new Map(sessions.flat().map((leg, i) => [leg, i]));
  const edges = new Map<Visit, Set<Visit>>();
  for (const { sightings } of events) {
    const legs = [...new Set(sightings.map(({ leg }) => leg))].toSorted((a, b) => place.get(a)! - place.get(b)!);
    const way = legs.map((leg) => visitOf.get(leg)!);
    for (let i = 1; i < way.length; i++) {
      const [from, to] = [way[i - 1]!, way[i]!];
      if (visits.indexOf(from) < visits.indexOf(to)) edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  visits.forEach((visit, i) => {
    const before = visits.filter((other) => edges.get(other)?.has(visit)).map(({ depth }) => depth + 1);
    // behind a proxy everything comes after what lies before it
    const isBehind = !visit.sessions.has(0) && visit.sessions.has(1);
    const least = isBehind ? visits.filter(({ sessions }) => sessions.has(0)).map(({ depth }) => depth + 1) : [];
    const hasEdges = before.length > 0 || edges.has(visit);
    // what shares no packet with any other stays beside its neighbour
    const beside = hasEdges || i === 0 ? [] : [visits[i - 1]!.depth];
    visit.depth = Math.max(0, ...before, ...least, ...beside);
  });
}

/** Where packets are rewritten, or two sessions meet, is a load balancer. */
function markBalancers(
  { set }: Connected,
  columns: readonly Column[],
  connection: Connection,
  events: readonly PacketEvent[],
  direct: ReadonlySet<Mac>,
): void {
  const columnOf = new Map<LegRef, Column>();
  for (const column of columns) for (const leg of column.legs) columnOf.set(leg, column);
  const rewriting = new Set<Column>();
  for (const { sightings, kind } of events) {
    if (kind === "error") continue;
    const seen = new Map<Column, Sighting[]>();
    for (const sighting of sightings) {
      const column = columnOf.get(sighting.leg)!;
      const before = seen.get(column) ?? [];
      const isRewritten = (other: Sighting) =>
        shapeOf(other) !== shapeOf(sighting) ||
        isHandedOn(direct, other, sighting) ||
        isHandedOn(direct, sighting, other);
      if (before.some(isRewritten)) rewriting.add(column);
      seen.set(column, [...before, sighting]);
    }
  }
  const isTunnel = connection.mode === "dsr-tunnel";
  const deepest = Math.max(...columns.map(({ depth }) => depth));
  for (const column of columns) {
    const isRewriting = rewriting.has(column) && !(isTunnel && column.depth === deepest);
    if (isRewriting || column.sessions.length > 1) column.role = "lb";
  }
  // what gets requests in its place is a load balancer, too, whatever it does with them
  const tiers = new Set(columns.flatMap(({ role, depth }) => (role === "lb" ? [depth] : [])));
  for (const column of columns) {
    const getsRequests = column.legs.some((leg) => set.view(leg).up.packets > 0);
    if (tiers.has(column.depth) && getsRequests) column.role = "lb";
  }
}
