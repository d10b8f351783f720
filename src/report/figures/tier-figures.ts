import { elephantsAmong } from "../../balance/elephants.ts";
import { type EvidentFields, evidentFields } from "../../balance/hash-fields.ts";
import type { Case, VipGroup } from "../../diagnose/case.ts";
import { membershipsOf } from "../../diagnose/members.ts";
import type { Membership } from "../../diagnose/membership.ts";
import type { Connection } from "../../path/connection.ts";
import { nameOrder } from "./name-order.ts";

/** How a tier's members were found; see `Membership`. */
export type TierKind = Membership["kind"];

/** One tier of equal next hops in front of a VIP, in numbers. */
export interface TierFigures {
  kind: TierKind;
  /** The point, node or nodes where its members are told apart. */
  seenAt: string;
  /** What the choice between members evidently depends on. */
  fields: EvidentFields;
  /** Of the first piece of the series, ns since the run's base. */
  start: number;
  /** Of one piece, ns. */
  width: number;
  /** By name. */
  members: MemberFigures[];
  /** Flows that went on at another member. */
  moved: number;
  /** Few flows that make one member carry more bytes than others, largest first; none where bytes are even. */
  elephants: readonly { connection: Connection; member: string; bytes: number }[];
}

export interface MemberFigures {
  member: string;
  /** Flows given to it, of all that the tier was seen to give. */
  connections: number;
  share: number;
  /** Payload in both directions, of what went by it. */
  bytes: number;
  /** Flows that moved to it, and away from it. */
  joined: number;
  left: number;
  series: {
    newConnections: number[];
    /** Mean number of flows that were open at it. */
    activeConnections: number[];
    /** A flow's bytes are spread evenly over the time that it was open. */
    bytes: number[];
  };
}

/** The tiers that a VIP's flows were seen to pass. @param pieces of the run, 1 or more */
export function tierFigures(subject: Case, group: VipGroup, pieces: number): TierFigures[] {
  if (!(subject.end > subject.start)) return [];
  const tiers = membershipsOf(subject, group)
    .filter(({ memberOf }) => new Set(memberOf.values()).size >= 2)
    .map((membership) => tierOf(subject, membership, pieces));
  return tiers.filter((tier, i) => !tiers.slice(0, i).some((other) => isSameTier(tier, other)));
}

/** Seen twice: where the flows are sent from, and where they arrive. */
function isSameTier(a: TierFigures, b: TierFigures): boolean {
  return (
    a.members.length === b.members.length &&
    a.members.every((member, i) => {
      const other = b.members[i]!;
      return member.member === other.member && member.connections === other.connections;
    })
  );
}

function tierOf(subject: Case, membership: Membership, pieces: number): TierFigures {
  const { start, end } = subject;
  const width = (end - start) / pieces;
  const nameOf = (key: string) => membership.names.get(key) ?? key;
  const figures = new Map<string, MemberFigures>();
  const of = (key: string) => {
    const name = nameOf(key);
    const known = figures.get(name) ?? emptyMember(name, pieces);
    figures.set(name, known);
    return known;
  };
  const moves = new Map(membership.moves.map((move) => [move.connection, move]));
  const loads: { flow: Connection; member: string; bytes: number }[] = [];
  const total = Math.max(1, membership.memberOf.size);
  for (const [connection, key] of membership.memberOf) {
    const bytes = payloadOf(subject, connection);
    const own = of(key);
    own.connections++;
    own.share = own.connections / total;
    own.series.newConnections[pieceAt((connection.start - start) / width, pieces)]!++;
    loads.push({ flow: connection, member: own.member, bytes });
    const move = moves.get(connection);
    const until = move ? Math.min(connection.end, Math.max(connection.start, move.time)) : connection.end;
    const before = share(connection, connection.start, until);
    spread(own, bytes * before, connection.start, until, start, width);
    if (!move) continue;
    own.left++;
    const next = of(move.to);
    next.joined++;
    spread(next, bytes * (1 - before), until, connection.end, start, width);
  }
  const members = [...figures.values()].sort((a, b) => nameOrder(a.member, b.member));
  for (const member of members) member.bytes = Math.round(member.series.bytes.reduce((sum, one) => sum + one, 0));
  const elephants = elephantsAmong(loads, members.length, subject.threshold("balance.load-skew", "maxOverMean"));
  const bytesOf = new Map(loads.map(({ flow, bytes }) => [flow, bytes]));
  return {
    kind: membership.kind,
    seenAt: membership.point,
    fields: fieldsOf(subject, membership),
    start,
    width,
    members,
    moved: moves.size,
    elephants: (elephants?.flows ?? []).map((connection) => ({
      connection,
      member: elephants!.member,
      bytes: bytesOf.get(connection) ?? 0,
    })),
  };
}

function emptyMember(member: string, pieces: number): MemberFigures {
  const zeros = () => new Array<number>(pieces).fill(0);
  const series = { newConnections: zeros(), activeConnections: zeros(), bytes: zeros() };
  return { member, connections: 0, share: 0, bytes: 0, joined: 0, left: 0, series };
}

/** Fields that decide the member, from the flows of all VIPs at the same place: another VIP is another destination. */
function fieldsOf(subject: Case, { kind, point }: Membership): EvidentFields {
  const { endpoints } = subject.connected;
  const flows = subject.vips.flatMap((group) =>
    membershipsOf(subject, group)
      .filter((other) => other.kind === kind && other.point === point)
      .flatMap(({ memberOf }) => [...memberOf])
      .map(([connection, member]) => ({
        member,
        source: endpoints.withPort(connection.client, 0),
        target: endpoints.withPort(connection.vip, 0) * 256 + connection.protocol,
        endpoint: connection.client,
      })),
  );
  return evidentFields(flows);
}

/** What the leg nearest to the backend carried, both ways. */
function payloadOf(subject: Case, connection: Connection): number {
  const { up, down } = subject.back(connection);
  return up.payloadBytes + down.payloadBytes;
}

function share({ start, end }: Connection, from: number, to: number): number {
  return end > start ? (to - from) / (end - start) : 1;
}

function pieceAt(place: number, pieces: number): number {
  return Math.min(pieces - 1, Math.max(0, Math.floor(place)));
}

/** Adds a flow's time and bytes to the pieces that it touches. */
function spread(member: MemberFigures, bytes: number, from: number, to: number, start: number, width: number): void {
  const { activeConnections, bytes: carried } = member.series;
  const pieces = carried.length;
  const first = pieceAt((from - start) / width, pieces);
  const last = pieceAt((to - start) / width, pieces);
  const length = to - from;
  if (!(length > 0)) {
    carried[first]! += bytes;
    return;
  }
  for (let piece = first; piece <= last; piece++) {
    const within = Math.max(0, Math.min(to, start + (piece + 1) * width) - Math.max(from, start + piece * width));
    activeConnections[piece]! += within / width;
    carried[piece]! += (bytes * within) / length;
  }
}
