import { TCP } from "../decode/packet.ts";
import { MOVE } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connection } from "../path/connection.ts";
import { macText } from "../path/endpoints.ts";
import { firstMacs } from "../path/first-macs.ts";
import type { LegRef } from "../path/leg-set.ts";
import { destinationMac, macHigh, macLow } from "../path/macs.ts";
import { isSameTuple } from "../path/tuples.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";
import { ownersOf, scanLegs } from "./leg-scan.ts";
import { windowOf } from "./notes.ts";

const MIN_CONNECTIONS = 3;
/** Share of a VIP's longer connections that must alternate: a rehash that drifts back touches few of them twice. */
const MIN_SHARE = 0.3;
/** Changes back and forth of one flow, and their share of its packets. */
const MIN_CHANGES = 3;
const MIN_CHANGE_SHARE = 0.15;
/** Bytes that two members got together, of those sent: some are sent again. */
const SEEN_ONCE = 1.25;
/** A flow of fewer packets up cannot show it. */
const MIN_PACKETS = 4;

interface Sprayed {
  connection: Connection;
  members: Set<string>;
  changes: number;
  evidence: Evidence[];
}

/** `path.spray`: packets of one flow alternate between members inside a round trip. */
export const pathSpray: Detector = {
  ids: ["path.spray"],
  find(subject) {
    const sprayed = new Map<number, Sprayed>();
    const { moved, partial: partialLegs } = scanLegs(subject);
    const partial = new Set(partialLegs.length < MIN_CONNECTIONS ? [] : ownersOf(subject, partialLegs).values());
    const candidates = moved.filter((ref) => subject.leg(ref).up.macChanges >= MIN_CHANGES);
    for (const [ref, connection] of ownersOf(subject, candidates)) {
      const one = alternating(subject, connection, ref);
      if (one && (sprayed.get(connection.id)?.changes ?? 0) < one.changes) sprayed.set(connection.id, one);
    }
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      const own = group.connections.flatMap(({ id }) => sprayed.get(id) ?? []);
      const found = own.length >= MIN_CONNECTIONS ? own : splitBetweenNodes(subject, group, partial);
      if (found.length < MIN_CONNECTIONS) continue;
      const long = group.connections.filter((connection) => subject.front(connection).up.packets >= MIN_PACKETS).length;
      if (found.length >= long * MIN_SHARE) findings.push(finding(subject, group, found));
    }
    return findings;
  },
};

/** The flow's frames leave a point for one member, another, and the first again. */
function alternating(subject: Case, connection: Connection, ref: LegRef): Sprayed | null {
  const track = subject.connected.set.trackOf(ref);
  const packets = subject.leg(ref).up.packets - subject.leg(ref).up.copies;
  const seen: number[] = [];
  const evidence: Evidence[] = [];
  const members = new Set<number>();
  let returns = 0;
  for (const event of track.tracker.events.of(track.tracker.legs, subject.connected.set.legOf(ref))) {
    if (event.kind !== MOVE || event.side !== 0) continue;
    const before = destinationMac([event.extra[0]!, event.extra[1]!, event.extra[2]!]);
    const now = destinationMac(event.mac);
    if (before === now || before === 0) continue;
    if (members.has(now)) returns++;
    members.add(before);
    members.add(now);
    seen.push(now);
    const name = macText(macHigh(now), macLow(now));
    if (evidence.length < 2)
      evidence.push({ capture: track.capture, frame: event.frame, note: `the same flow's packet, now to ${name}` });
  }
  if (seen.length < MIN_CHANGES || returns < 2 || seen.length < packets * MIN_CHANGE_SHARE) return null;
  return {
    connection,
    members: new Set([...members].map((mac) => macText(macHigh(mac), macLow(mac)))),
    changes: seen.length,
    evidence,
  };
}

/** Seen from the members only: two of them get packets of the same flow from the same neighbour, turn by turn. */
function splitBetweenNodes(subject: Case, group: VipGroup, partial: ReadonlySet<Connection>): Sprayed[] {
  if (group.protocol !== TCP) return [];
  return group.connections.flatMap((connection) =>
    partial.has(connection) ? (splitOf(subject, connection) ?? []) : [],
  );
}

function splitOf(subject: Case, connection: Connection): Sprayed | null {
  const { set } = subject.connected;
  const { legs } = connection;
  for (let i = 0; i < legs.length; i++) {
    for (let j = i + 1; j < legs.length; j++) {
      const pair = [legs[i]!, legs[j]!] as const;
      const nodes = pair.map((ref) => subject.nodeOf(ref));
      if (nodes[0] === nodes[1] || !isSameTuple(set, ...pair) || !takeTurns(subject, ...pair)) continue;
      return {
        connection,
        members: new Set(nodes),
        changes: Math.min(...pair.map((ref) => set.view(ref).up.packets)),
        evidence: pair.map((ref, k) =>
          subject.evidence(ref, subject.leg(ref).firstFrame, `a part of one flow at ${nodes[k]}`),
        ),
      };
    }
  }
  return null;
}

/** More bytes than were sent: two points on one way, each with most of the flow, and not two members with a part each. */
function sawTheSame({ up: one }: LegView, { up: other }: LegView): boolean {
  const start = ((one.baseSeq - other.baseSeq) | 0) < 0 ? one.baseSeq : other.baseSeq;
  const end = ((one.nextSeq - other.nextSeq) | 0) > 0 ? one.nextSeq : other.nextSeq;
  const sent = (end - start) | 0;
  return one.payloadBytes + other.payloadBytes > sent * SEEN_ONCE;
}

/** Both get requests while the other does, neither gets all, and each is called by its own MAC from one source. */
function takeTurns(subject: Case, a: LegRef, b: LegRef): boolean {
  const { set, order } = subject.connected;
  const one = set.ownView(a);
  const other = set.ownView(b);
  if (one.up.packets < 2 || other.up.packets < 2 || one.isInTunnel || other.isInTunnel) return false;
  const shift = order.shiftOf(b) - order.shiftOf(a);
  if (other.up.firstTime - shift >= one.up.lastTime || one.up.firstTime >= other.up.lastTime - shift) return false;
  const [macs, otherMacs] = [firstMacs(set, a, 0), firstMacs(set, b, 0)];
  if (macs.source === 0 || macs.source !== otherMacs.source || macs.destination === otherMacs.destination) return false;
  // a cooked capture does not say to whom
  if (macs.destination === 0 || otherMacs.destination === 0 || sawTheSame(one, other)) return false;
  const isWhole = (view: LegView) => view.has(L.LEG_SYN) && !view.history.includes("G");
  return !isWhole(one) || !isWhole(other);
}

function finding(subject: Case, group: VipGroup, sprayed: readonly Sprayed[]): Finding {
  const vip = subject.text(group.vip);
  const members = [...new Set(sprayed.flatMap((one) => [...one.members]))].sort();
  const isMacs = members.every((member) => /^([0-9a-f]{2}:){5}/.test(member));
  const connections = sprayed.map(({ connection }) => connection);
  const broken = connections.filter((connection) => !["ok", "open"].includes(subject.outcome(connection))).length;
  const changes = sprayed.reduce((sum, one) => sum + one.changes, 0);
  return {
    id: "path.spray",
    severity: broken > 0 ? "critical" : "warning",
    confidence: confidenceFrom(sprayed.length),
    title: `packets of one flow alternate between ${members.length} members for ${count(sprayed.length, "connection")} of ${vip} (${percent(sprayed.length, group.connections.length)})`,
    explanation:
      `The next hop of these flows changed ${changes.toLocaleString("en")} times, back and forth between ${members.slice(0, 4).join(", ")}, within round trips: packets are shared out one by one, not by flow. ` +
      `${broken > 0 ? `${count(broken, "connection")} broke. ` : "The members cope here (same table or shared state), but each sees half a conversation, and reordering costs throughput. "}`.trim(),
    where: { vip },
    window: windowOf(connections),
    measured: {
      sprayedConnections: sprayed.length,
      connections: group.connections.length,
      members: members.length,
      changesOfMember: changes,
      brokenConnections: broken,
    },
    connections: connections.map(({ id }) => id),
    evidence: sprayed.slice(0, 2).flatMap(({ evidence }) => evidence),
    displayFilter: `${endpointFilter(subject, group.vip, "dst")}${
      isMacs
        ? ` && (${members
            .slice(0, 4)
            .map((mac) => `eth.dst==${mac}`)
            .join(" || ")})`
        : ""
    }`,
    remedy: [
      "share out by flow: Linux net.ipv4.fib_multipath_hash_policy=1; routers: per-flow (per-destination) load sharing, not per-packet; bonds: xmit_hash_policy layer3+4, not balance-rr",
      "adaptive or dynamic load balancing in switch fabrics: flowlet mode with an idle gap above the path's delay difference",
    ],
  };
}
