import type { Finding } from "../../diagnose/finding.ts";
import type { ResetVerdict } from "../../diagnose/reset-verdict.ts";
import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";
import type { Direction, LegPacket } from "../../path/leg-packet.ts";
import type { LegRef, LegSet, RunPoint } from "../../path/leg-set.ts";
import type { Mac } from "../../path/macs.ts";
import { clientSession } from "../../path/outcome.ts";
import { macCandidates, onlyOne } from "../../path/own-macs.ts";
import type { Topology } from "../../topology/topology.ts";
import type { Column } from "./column.ts";
import { columnsOf } from "./columns.ts";
import { coverageOf, type Watch } from "./coverage.ts";
import { directMacs } from "./direct-macs.ts";
import { GivenNodes } from "./given-nodes.ts";
import { orderLegs } from "./leg-order.ts";
import { localAddresses } from "./local-addresses.ts";
import { matchPackets, type SequenceShift } from "./match-packets.ts";
import type { PacketEvent } from "./packet-event.ts";
import { readSightings, type Sighting } from "./sighting.ts";
import type { Step } from "./step.ts";
import { StepReader } from "./steps.ts";
import { usualCompanions } from "./usual-points.ts";

/** One connection's journey: the nodes that it passes, and each packet on its way. */
export interface Ladder {
  connected: Connected;
  connection: Connection;
  columns: readonly Column[];
  /** In the order of time. */
  steps: readonly Step[];
  /** Own MAC of each observation point of the run, null where it is not known. */
  macs: readonly (Mac | null)[];
  /** What was found to be wrong with it, most pressing first. */
  findings: readonly Finding[];
  /** Packets of the connection that were not looked at, for want of memory. */
  left: number;
}

export interface LadderOptions {
  /** Packets that found no room, to be told. */
  left?: number;
  /** What the diagnosis says of the connection's resets. */
  resets?: readonly ResetVerdict[];
  /** What was found to be wrong with it, most pressing first. */
  findings?: readonly Finding[];
  /** What is known of the set-up besides the packets. */
  given?: Topology | null;
}

/**
 * Draws up the ladder of a connection from its packets.
 *
 * @param packets of all legs of the connection, of each capture in file order
 */
export function ladderOf(
  connected: Connected,
  connection: Connection,
  packets: readonly LegPacket[],
  options: LadderOptions = {},
): Ladder {
  const candidates = macCandidates(connected.set);
  const macs = candidates.map(onlyOne);
  const sightings = withoutOverheard(connected.set, readSightings(connected, packets), candidates);
  const sessions = [...clientSession(connection)];
  const legsOf: LegRef[][] = [sessions, connection.legs.slice(sessions.length)].filter((legs) => legs.length > 0);
  const ownMac = (leg: LegRef) => macs[connected.set.pointOf(leg).index] ?? null;
  const events: PacketEvent[] = [];
  const ordered: LegRef[][] = [];
  legsOf.forEach((legs, session) => {
    const own = new Set(legs);
    const found = matchPackets(
      session,
      sightings.filter(({ leg }) => own.has(leg)),
      shiftsOf(connected, legs),
    );
    ordered.push(orderLegs(legs, found, ownMac));
    for (const event of found) events.push(event);
  });
  const facts = { connected, connection, macs, findings: options.findings ?? [], left: options.left ?? 0 };
  if (events.length === 0) return { ...facts, columns: [], steps: [] };
  events.sort((a, b) => a.time - b.time);
  const direct = directMacs(connected, connection);
  const columns = columnsOf(connected, connection, ordered, events, {
    macs,
    addresses: localAddresses(connected.set, macs),
    direct,
    given: new GivenNodes(connected, options.given ?? null),
  });
  const companions = usualCompanions(connected, connection);
  const coverage = coverageOf(columns, ordered.flat(), events, {
    watched: (leg) => watchedBy(connected, connected.set.pointOf(leg)),
    ownMac,
    bypassed: (column) => bypassedAt(connected, column, companions),
    silent: (column) => silentAt(connected, connection, column),
  });
  const reader = new StepReader(connected, direct, columns, coverage, macs, options.resets ?? []);
  return { ...facts, columns, steps: events.map((event) => reader.read(event)) };
}

/**
 * Leaves out what a point overheard: frames between others that a bridge flooded, since it did not know their
 * destination. Where nothing else was seen of the connection they stay.
 */
function withoutOverheard(
  set: LegSet,
  sightings: readonly Sighting[],
  candidates: readonly ReadonlySet<Mac>[],
): Sighting[] {
  const isOwn = ({ leg, srcMac, dstMac }: Sighting) => {
    const own = candidates[set.pointOf(leg).index]!;
    return own.size === 0 || srcMac === 0 || own.has(srcMac) || own.has(dstMac);
  };
  const own = sightings.filter(isOwn);
  return own.length > 0 ? own : [...sightings];
}

/** Sequence numbers of legs less those of the first leg that has them: other than 0 behind a SYN proxy. */
function shiftsOf({ set }: Connected, legs: readonly LegRef[]): SequenceShift {
  const first: Record<Direction, number | null> = { up: null, down: null };
  const shifts = new Map<string, number>();
  for (const leg of legs) {
    const view = set.view(leg);
    for (const direction of ["up", "down"] as const) {
      // only what a SYN said for sure can be compared
      if (view.protocol !== 6 || view[direction].synCount === 0) continue;
      const isn = view[direction].baseSeq;
      first[direction] ??= isn;
      const shift = (isn - first[direction]!) | 0;
      if (shift !== 0) shifts.set(`${leg} ${direction}`, shift);
    }
  }
  return (leg, direction) => shifts.get(`${leg} ${direction}`) ?? 0;
}

/** When a node's captures ran, as far as their packets tell: those of one node are started and stopped together. */
function watchedBy({ set, clocks }: Connected, { nodeName, capture: own }: RunPoint): Watch {
  const watch = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  for (const { nodeName: name, capture } of set.points) {
    const isCut = set.captures[own]!.problems.length > 0;
    if (isCut ? capture !== own : name !== nodeName) continue;
    const { firstTime, lastTime } = set.captures[capture]!;
    const clock = clocks[capture]!;
    watch.from = Math.min(watch.from, firstTime - clock.at(firstTime));
    watch.to = Math.max(watch.to, lastTime - clock.at(lastTime));
  }
  return watch;
}

/** See `Coverage.bypassed`. */
function bypassedAt(
  connected: Connected,
  { legs }: Column,
  companions: ReadonlyMap<number, ReadonlySet<number>>,
): Watch | null {
  const { set } = connected;
  const used = new Set(legs.map((leg) => set.pointOf(leg).index));
  const unused = [...used].flatMap((point) => [...(companions.get(point) ?? [])].filter((other) => !used.has(other)));
  return unused.length === 0 ? null : watchedBy(connected, set.points[unused[0]!]!);
}

/** See `Coverage.silent`. */
function silentAt({ set }: Connected, { legs }: Connection, { isSeen, name }: Column): string[] {
  if (!isSeen) return [];
  const used = new Set(legs.map((leg) => set.pointOf(leg).index));
  return set.points.filter(({ nodeName, index }) => nodeName === name && !used.has(index)).map((point) => point.name);
}
