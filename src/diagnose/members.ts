import { MOVE } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { macText } from "../path/endpoints.ts";
import { firstMacs } from "../path/first-macs.ts";
import type { LegRef } from "../path/leg-set.ts";
import { destinationMac, type Mac, macHigh, macLow } from "../path/macs.ts";
import { macCandidates, onlyOne } from "../path/own-macs.ts";
import type { Case, VipGroup } from "./case.ts";
import { membershipsByPath } from "./members-by-path.ts";
import type { Membership, Move } from "./membership.ts";

/** Share of a point's flows below which a MAC is no member: strays and mistakes. */
const MIN_MEMBER_SHARE = 0.005;

/**
 * Finds the members of a VIP's tier of load balancers: at the point where its flows are sent to several MACs, by the
 * nodes of the balancers themselves, and by what else of their way differs. Several tiers give several memberships.
 */
export function membershipsOf(subject: Case, group: VipGroup): readonly Membership[] {
  const known = memberships.get(group);
  if (known) return known;
  const found = [...byMac(subject, group), ...byNode(subject, group), ...membershipsByPath(subject, group)];
  memberships.set(group, found);
  return found;
}

/** Several detectors ask for the same ones. */
const memberships = new WeakMap<VipGroup, readonly Membership[]>();

/** What to call a MAC: the captured node that it is, else as it is written. */
export function macNames(
  subject: Case,
  own: readonly (Mac | null)[] = macCandidates(subject.connected.set).map(onlyOne),
): (mac: Mac) => string {
  const names = new Map<Mac, string>();
  own.forEach((mac, point) => {
    if (mac !== null) names.set(mac, subject.connected.set.points[point]!.nodeName);
  });
  return (mac) => names.get(mac) ?? macText(macHigh(mac), macLow(mac));
}

/** A point on a flow's way sees at least this share of it; one to which a bridge floods frames of others sees less. */
const LEAST_SEEN = 0.4;

interface PointMembers {
  members: Map<Connection, string>;
  counts: Map<Mac, number>;
  moves: Move[];
}

/**
 * Points at which the group's packets go to more than one MAC. Most points have one next hop: they are ruled out by
 * comparing words, before anything is counted.
 */
function splittingPoints(subject: Case, group: VipGroup): Set<number> {
  const { set } = subject.connected;
  const splitting = new Set<number>();
  const firsts = new Map<number, { word0: number; word1: number }>();
  for (const connection of group.connections) {
    for (const ref of connection.legs) {
      const { up } = set.view(ref);
      const word0 = up.macWord(0);
      const word1 = up.macWord(1) >>> 16;
      if ((word0 | word1) === 0) continue;
      const point = set.pointOf(ref).index;
      const first = firsts.get(point);
      if (!first) firsts.set(point, { word0, word1 });
      else if (first.word0 !== word0 || first.word1 !== word1) splitting.add(point);
    }
  }
  return splitting;
}

/** Packets of the client, as the point has them that saw most. */
function requestsOf(subject: Case, { legs }: Connection): number {
  let most = 0;
  for (const ref of legs) most = Math.max(most, subject.leg(ref).up.packets);
  return most;
}

function byMac(subject: Case, group: VipGroup): Membership[] {
  const { set } = subject.connected;
  const splitting = splittingPoints(subject, group);
  if (splitting.size === 0) return [];
  const perPoint = new Map<number, PointMembers>();
  for (const connection of group.connections) {
    for (const ref of connection.legs) {
      const point = set.pointOf(ref).index;
      if (!splitting.has(point)) continue;
      const view = set.view(ref);
      if (view.up.packets === 0 || view.isInTunnel || !view.has(L.LEG_SYN | L.LEG_SYN_ACK)) continue;
      if (view.up.packets < requestsOf(subject, connection) * LEAST_SEEN) continue;
      if (!isFrontTuple(subject, connection, ref)) continue;
      const mac = destinationMac(firstMacs(set, ref, 0).mac);
      if (mac === 0) continue;
      let entry = perPoint.get(point);
      if (!entry) {
        entry = { members: new Map(), counts: new Map(), moves: [] };
        perPoint.set(point, entry);
      }
      entry.members.set(connection, String(mac));
      entry.counts.set(mac, (entry.counts.get(mac) ?? 0) + 1);
      const move = set.view(ref).up.macChanges > 0 ? firstMove(subject, connection, ref) : null;
      if (move) entry.moves.push(move);
    }
  }
  const found: Membership[] = [];
  const own = macCandidates(set).map(onlyOne);
  const nameOf = macNames(subject, own);
  for (const [point, { members, counts, moves }] of perPoint) {
    // A member's own point: what is for others there, a switch flooded.
    const ownMac = own[point] ?? null;
    if (ownMac !== null && counts.has(ownMac)) continue;
    const enough = [...counts.values()].filter((flows) => flows >= members.size * MIN_MEMBER_SHARE);
    if (enough.length < 2 && moves.length === 0) continue;
    const names = new Map<string, string>();
    for (const key of new Set([...members.values(), ...moves.flatMap((move) => [move.from, move.to])])) {
      names.set(key, nameOf(Number(key)));
    }
    found.push({ kind: "mac", point: set.points[point]!.name, memberOf: members, names, moves });
  }
  return found;
}

/** The first time that a leg's client packets went to another MAC than before. */
function firstMove(subject: Case, connection: Connection, ref: LegRef): Move | null {
  const { set } = subject.connected;
  const track = set.trackOf(ref);
  let first: Move | null = null;
  let count = 0;
  for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
    if (event.kind !== MOVE || event.side !== 0 || event.extra[3] === 1) continue;
    const from = destinationMac([event.extra[0]!, event.extra[1]!, event.extra[2]!]);
    const to = destinationMac(event.mac);
    if (from === to || to === 0) continue;
    count++;
    first ??= {
      connection,
      from: String(from),
      to: String(to),
      time: subject.reference(ref, event.time),
      ref,
      frame: event.frame,
      count: 1,
    };
  }
  if (first) first.count = count;
  return first;
}

function isFrontTuple(subject: Case, connection: Connection, ref: LegRef): boolean {
  const { endpoints, set } = subject.connected;
  const view = set.view(ref);
  return endpoints.ofWords(view.dst, view.dstPort) === connection.vip;
}

/** By the nodes that the VIP's packets reach under its own address and that rewrite or terminate them. */
function byNode(subject: Case, group: VipGroup): Membership[] {
  if (subject.balancers.size < 2) return [];
  const { set } = subject.connected;
  const members = new Map<Connection, string>();
  const moves: Move[] = [];
  for (const connection of group.connections) {
    let own: string | null = null;
    for (const ref of connection.legs) {
      const node = subject.nodeOf(ref);
      if (!subject.balancers.has(node) || !isFrontTuple(subject, connection, ref)) continue;
      const view = set.view(ref);
      if (view.up.packets === 0) continue;
      if (view.has(L.LEG_SYN | L.LEG_SYN_ACK)) own ??= node;
      else if (own !== null && node !== own) {
        const time = subject.reference(ref, view.up.firstTime);
        moves.push({ connection, from: own, to: node, time, ref, frame: view.firstFrame, count: 1 });
      }
    }
    if (own !== null) members.set(connection, own);
  }
  const nodes = new Set([...members.values(), ...moves.flatMap((move) => [move.from, move.to])]);
  if (nodes.size < 2) return [];
  const names = new Map([...nodes].map((node) => [node, node]));
  return [{ kind: "node", point: [...nodes].sort().join(", "), memberOf: members, names, moves }];
}
