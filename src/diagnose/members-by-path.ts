import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { destinationMac } from "../path/macs.ts";
import { macCandidates, onlyOne } from "../path/own-macs.ts";
import { addressText } from "../topology/address.ts";
import type { Case, VipGroup } from "./case.ts";
import type { Membership, Move } from "./membership.ts";

/** A point that this share of the flows passes is on the way to every member. */
const NEARLY_ALL = 0.9;
/** Flows that must keep to one member of a tier for it to be one. */
const KEEP_TO_ONE = 0.95;
/** Flows of a member, to be one and no stray. */
const MIN_MEMBER_FLOWS = 3;

/** A place of a flow's way: the tier that it belongs to, and which member of it. */
interface Place {
  tier: string;
  member: string;
}

type Kind = Exclude<Membership["kind"], "mac" | "node">;

/**
 * Members that no MAC at one point shows: by the outer destination of a tunnel, by the interface that a router sends
 * the flow out by, and by the captured node that the flow passes.
 */
export function membershipsByPath(subject: Case, group: VipGroup): Membership[] {
  return [...byTunnel(subject, group), ...byInterface(subject, group), ...byPoint(subject, group)].filter(
    (membership) => !isChoiceOfBackend(membership),
  );
}

/** At a point whose flows go on in tunnels to several boxes. */
function byTunnel(subject: Case, group: VipGroup): Membership[] {
  const { set } = subject.connected;
  if (set.tracks.every(({ tracker }) => tracker.contexts.list.length < 2)) return [];
  return gather(subject, group, "tunnel", (ref) => {
    const view = subject.leg(ref);
    if (!view.isInTunnel || view.up.packets === 0) return null;
    const layers = set.trackOf(ref).tracker.contexts.list[view.context]!;
    // the outermost is where the box that made it sends it
    const tunnel = layers.find((layer) => layer.version !== 0);
    if (!tunnel) return null;
    const { low, high } = tunnel;
    const member = addressText(view.has(L.LEG_TUNNEL_FROM_LOW) ? high : low);
    return { tier: set.pointOf(ref).name, member };
  });
}

/** On a node of which several interfaces were captured: the one by which a flow leaves. */
function byInterface(subject: Case, group: VipGroup): Membership[] {
  const { points } = subject.connected.set;
  const interfaces = new Map<string, Set<string>>();
  for (const { nodeName, name } of points) {
    const known = interfaces.get(nodeName) ?? new Set();
    interfaces.set(nodeName, known.add(name));
  }
  // one to come in by, and two to leave by
  if ([...interfaces.values()].every((names) => names.size < 3)) return [];
  const seen = new Map<string, number>();
  for (const connection of group.connections) {
    const names = new Set(connection.legs.map((ref) => subject.connected.set.pointOf(ref).name));
    for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  return gather(subject, group, "interface", (ref) => {
    const { nodeName, name } = subject.connected.set.pointOf(ref);
    if (interfaces.get(nodeName)!.size < 3 || seen.get(name)! >= group.connections.length * NEARLY_ALL) return null;
    return isOnItsWay(subject, ref) ? { tier: nodeName, member: name } : null;
  });
}

/** By captured nodes that are neither balancers nor ends: each sees a part of the flows, and no two the same ones. */
function byPoint(subject: Case, group: VipGroup): Membership[] {
  const { set } = subject.connected;
  if (new Set(set.points.map(({ nodeName }) => nodeName)).size < 2) return [];
  const own = macCandidates(set);
  const fronts = new Set(group.connections.map(({ front }) => subject.nodeOf(front)));
  const isReceived = (ref: LegRef) => {
    const view = subject.leg(ref);
    const candidates = own[set.pointOf(ref).index]!;
    if (view.up.packets === 0 || !candidates.has(destinationMac(view.up.mac))) return false;
    // With one neighbour its MAC may be either: a client's own node is where its flows are seen first.
    return onlyOne(candidates) !== null || !fronts.has(subject.nodeOf(ref));
  };
  const passes = (connection: Connection) =>
    new Set(
      connection.legs
        .filter((ref) => !subject.balancers.has(subject.nodeOf(ref)) && isOnItsWay(subject, ref) && isReceived(ref))
        .map((ref) => subject.nodeOf(ref)),
    );
  const tierOf = tiersOf(group.connections.map(passes));
  if (tierOf.size < 2) return [];
  return gather(subject, group, "point", (ref) => {
    const node = subject.nodeOf(ref);
    const tier = tierOf.get(node);
    return tier !== undefined && isOnItsWay(subject, ref) && isReceived(ref) ? { tier, member: node } : null;
  });
}

/** Nodes of which no flow passes two, put together; those that nearly every flow passes are in none. */
function tiersOf(ways: readonly ReadonlySet<string>[]): Map<string, string> {
  const flows = new Map<string, number>();
  const together = new Set<string>();
  for (const way of ways) {
    for (const node of way) {
      flows.set(node, (flows.get(node) ?? 0) + 1);
      for (const other of way) if (other !== node) together.add(`${node} ${other}`);
    }
  }
  const tiers: string[][] = [];
  for (const [node, count] of flows) {
    if (count >= ways.length * NEARLY_ALL || count < MIN_MEMBER_FLOWS) continue;
    const tier = tiers.find((nodes) => nodes.every((other) => !together.has(`${node} ${other}`)));
    if (tier) tier.push(node);
    else tiers.push([node]);
  }
  const named = new Map<string, string>();
  for (const tier of tiers) {
    if (tier.length < 2) continue;
    for (const node of tier) named.set(node, tier.sort().join(", "));
  }
  return named;
}

/** A leg of requests to the VIP itself, outside all tunnels. */
function isOnItsWay(subject: Case, ref: LegRef): boolean {
  const view = subject.leg(ref);
  return !view.isInTunnel && view.up.packets > 0;
}

/** Memberships of the tiers that legs are found to be in: by the leg that saw the handshake, later ones are moves. */
function gather(subject: Case, group: VipGroup, kind: Kind, placeOf: (ref: LegRef) => Place | null): Membership[] {
  const tiers = new Map<string, { memberOf: Map<Connection, string>; moves: Move[]; several: number }>();
  const { endpoints } = subject.connected;
  for (const connection of group.connections) {
    for (const ref of connection.legs) {
      const view = subject.leg(ref);
      if (endpoints.ofWords(view.dst, view.dstPort) !== connection.vip) continue;
      const place = placeOf(ref);
      if (!place) continue;
      let tier = tiers.get(place.tier);
      if (!tier) {
        tier = { memberOf: new Map(), moves: [], several: 0 };
        tiers.set(place.tier, tier);
      }
      const { up, firstFrame, has } = readLeg(subject, ref);
      const known = tier.memberOf.get(connection);
      if (has) {
        if (known === undefined) tier.memberOf.set(connection, place.member);
        else if (known !== place.member) tier.several++;
      } else if (known !== undefined && known !== place.member) {
        const time = subject.reference(ref, up);
        tier.moves.push({ connection, from: known, to: place.member, time, ref, frame: firstFrame, count: 1 });
      }
    }
  }
  const found: Membership[] = [];
  for (const [point, { memberOf, moves, several }] of tiers) {
    const flows = new Map<string, number>();
    for (const member of memberOf.values()) flows.set(member, (flows.get(member) ?? 0) + 1);
    const members = [...flows].filter(([, count]) => count >= MIN_MEMBER_FLOWS);
    if (members.length < 2 || several > memberOf.size * (1 - KEEP_TO_ONE)) continue;
    const names = new Map([...flows.keys(), ...moves.map(({ to }) => to)].map((name) => [name, name]));
    found.push({ kind, point, memberOf, names, moves });
  }
  return found;
}

function readLeg(subject: Case, ref: LegRef): { up: number; firstFrame: number; has: boolean } {
  const view = subject.leg(ref);
  return { up: view.up.firstTime, firstFrame: view.firstFrame, has: view.has(L.LEG_SYN) };
}

/** Each member leads to one backend and no two to the same: that is the balancer's choice, which others judge. */
export function isChoiceOfBackend({ memberOf }: Pick<Membership, "memberOf">): boolean {
  const backendOf = new Map<string, number>();
  const memberOfBackend = new Map<number, string>();
  let known = 0;
  let different = 0;
  for (const [{ backend }, member] of memberOf) {
    if (backend === null) continue;
    known++;
    const first = backendOf.get(member);
    if (first === undefined) backendOf.set(member, backend);
    const own = memberOfBackend.get(backend);
    if (own === undefined) memberOfBackend.set(backend, member);
    if ((first ?? backend) !== backend || (own ?? member) !== member) different++;
  }
  return known >= memberOf.size * 0.8 && different <= known * (1 - KEEP_TO_ONE);
}
