import {
  type ConnectionSample,
  NODE_TIER,
  type Outcome,
  type Side,
  type SideFinding,
  type Timing,
} from "../../compare/side.ts";
import { UDP } from "../../decode/packet.ts";
import type { Case } from "../../diagnose/case.ts";
import { membershipsOf } from "../../diagnose/members.ts";
import { RETRANSMIT } from "../../flow/event-log.ts";
import { LEG_MIDSTREAM, LEG_SYN, LEG_SYN_ACK } from "../../flow/leg-layout.ts";
import { balancerBoundary } from "../../path/balancer-boundary.ts";
import type { Connection } from "../../path/connection.ts";
import { macText } from "../../path/endpoints.ts";
import { firstMacs } from "../../path/first-macs.ts";
import type { LegRef, LegSet } from "../../path/leg-set.ts";
import { macHigh, macLow } from "../../path/macs.ts";
import type { Analysis } from "../analysis.ts";
import { pointsOf, problemsOf } from "../capture-facts.ts";
import { epochOf } from "../epoch.ts";
import { packetCounts } from "../figures/best-legs.ts";
import { connectTime, firstByteTime, handshakeTime } from "../figures/leg-times.ts";
import { harmfulReset } from "../figures/time-series.ts";
import { vipFigures } from "../figures/vip-figures.ts";

/** Part of a run, ns since its base; the first moment belongs to it, the last does not. */
export interface RunWindow {
  from: number;
  to: number;
}

/**
 * A run of captures, or a window of it, as one side of a comparison. What befell a connection belongs to the window in
 * which it did, even where the connection was opened before.
 *
 * @param window null for the whole run
 */
export function sideOfAnalysis(analysis: Analysis, name: string, window: RunWindow | null = null): Side {
  const { captures, subject, timeBase, topology } = analysis;
  const isEmpty = !(subject.end >= subject.start);
  const from = window?.from ?? (isEmpty ? 0 : subject.start);
  const to = window?.to ?? (isEmpty ? 0 : subject.end);
  const nodesByMac = new Map<string, string>();
  for (const { name: node, role, macs } of topology.nodes) {
    if (role !== "client") for (const mac of macs) if (mac !== node) nodesByMac.set(mac, node);
  }
  return {
    name,
    start: isEmpty ? null : epochOf(from, timeBase),
    end: isEmpty ? null : epochOf(to, timeBase),
    durationSeconds: (to - from) / 1e9,
    points: [...new Set(captures.flatMap(pointsOf))],
    nodesByMac,
    vips: vipFigures(analysis).map(({ vip, protocol, mode }) => ({ vip, protocol: protocolOf(protocol), mode })),
    connections: samples(analysis, nodesByMac, { from, to }, window === null),
    findings: analysis.findings.flatMap((finding): SideFinding[] => {
      const { id, severity, title, where, connections } = finding;
      const isHere = window === null || (finding.window.from < to && finding.window.to >= from);
      return isHere ? [{ id, severity, title, where, connections: connections.length }] : [];
    }),
    problems: captures.flatMap((capture) => problemsOf(capture).map(({ message }) => message)),
  };
}

/** Nodes that balance, and nodes that connections are sent to: what these captured themselves shows no choice. */
interface Roles {
  balancers: ReadonlySet<string>;
  chosen: ReadonlySet<string>;
  nodesByMac: ReadonlyMap<string, string>;
}

function rolesOf(subject: Case, { nodes }: Analysis["topology"]): Omit<Roles, "nodesByMac"> {
  const roles = new Map(nodes.map(({ name, role }) => [name, role]));
  const balancers = new Set([...subject.balancers].filter((name) => (roles.get(name) ?? "lb") === "lb"));
  const backends = nodes.filter(({ role }) => role === "backend").map(({ name }) => name);
  return { balancers, chosen: new Set([...balancers, ...backends]) };
}

function protocolOf(protocol: number): "tcp" | "udp" {
  return protocol === UDP ? "udp" : "tcp";
}

function samples(
  { subject, topology }: Analysis,
  nodesByMac: ReadonlyMap<string, string>,
  window: RunWindow,
  isWhole: boolean,
): ConnectionSample[] {
  const roles = { ...rolesOf(subject, topology), nodesByMac };
  const moves = new Map<Connection, number[]>();
  for (const group of subject.vips) {
    for (const { connection, time } of membershipsOf(subject, group).flatMap((one) => one.moves)) {
      moves.set(connection, [...(moves.get(connection) ?? []), time]);
    }
  }
  const found: ConnectionSample[] = [];
  for (const connection of subject.users) {
    const sample = sampleOf({ subject, roles, isWhole }, connection, window, moves.get(connection) ?? []);
    if (sample !== null) found.push(sample);
  }
  return found;
}

/** A connection as the window saw it; null where it was over before, or not opened yet. */
function sampleOf(
  { subject, roles, isWhole }: { subject: Case; roles: Roles; isWhole: boolean },
  connection: Connection,
  { from, to }: RunWindow,
  moves: readonly number[],
): ConnectionSample | null {
  const { set, endpoints } = subject.connected;
  const { client, vip, backend, protocol, start, front } = connection;
  const fate = fateOf(subject, connection);
  const isOver = !isWhole && fate.time < from;
  if (isOver || (!isWhole && start >= to)) return null;
  const isOpenAtEnd = !isWhole && fate.time >= to;
  const isMidstream = subject.front(connection).has(LEG_MIDSTREAM);
  const isNew = !isMidstream && start >= from;
  const end = Math.min(to, fate.time);
  const isInside = isWhole || (start >= from && !isOpenAtEnd && fate.outcome !== "open");
  const reset =
    isOpenAtEnd || (fate.outcome !== "reset" && fate.outcome !== "refused") ? null : subject.mainReset(connection);
  return {
    client: clientAddress(subject, endpoints.withPort(client, 0)),
    vip: subject.text(vip),
    protocol: protocolOf(protocol),
    backend: backend === null ? null : subject.text(backend),
    members: membersOf(subject, connection, roles),
    seenAt: set.pointOf(front).name,
    isNew,
    openedAt: (start - from) / 1e9,
    entryAge: isMidstream ? null : Math.max(0, from - start) / 1e9,
    watchedSeconds: Math.max(0, end - Math.max(from, start)) / 1e9,
    outcome: isOpenAtEnd ? "open" : fate.outcome,
    reset: reset === null ? null : { by: reset.by, cause: reset.cause, node: senderOf(subject, roles, reset) },
    traffic: isInside ? packetCounts(set, connection) : null,
    hasMoved: moves.some((time) => isWhole || (time >= from && time < to)),
    ...timingsOf(set, connection, isNew),
  };
}

/** The address alone: texts of endpoints have a port. */
function clientAddress(subject: Case, endpoint: number): string {
  return subject.text(endpoint).replace(/:0$/, "");
}

/** How a connection ended, and when; a reset that took nothing is no failure, and what is open ends after all else. */
function fateOf(subject: Case, connection: Connection): { outcome: Outcome; time: number } {
  const outcome = subject.outcome(connection);
  if (outcome === "open") return { outcome, time: Number.POSITIVE_INFINITY };
  if (outcome === "ok") return { outcome, time: connection.end };
  if (outcome === "timeout") return { outcome, time: lostTime(subject, connection) };
  const time = harmfulReset(subject, connection);
  return time === null ? { outcome: "ok", time: connection.end } : { outcome, time };
}

/**
 * When a connection that timed out was lost: with the first of its client's segments that nobody answered, not when the
 * client gave up.
 */
function lostTime(subject: Case, connection: Connection): number {
  const { front } = connection;
  const view = subject.front(connection);
  if (view.down.packets === 0) return connection.start;
  const answered = view.down.lastTime;
  const silence = view.openSilence;
  if (silence?.side === 0 && silence.brokenAt >= answered) return subject.reference(front, silence.brokenAt);
  const track = subject.connected.set.trackOf(front);
  for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
    if (event.kind === RETRANSMIT && event.side === 0 && event.otherTime >= answered) {
      return subject.reference(front, event.otherTime);
    }
  }
  return subject.reference(front, answered);
}

/** The balancer or middlebox that sent a reset, where it is known. */
function senderOf(subject: Case, { balancers }: Roles, { by, ref }: { by: string; ref: LegRef }): string | null {
  if (by !== "lb" && by !== "middlebox") return null;
  const node = subject.nodeOf(ref);
  return by === "lb" && balancers.has(node) ? node : null;
}

/** What a connection was sent to, at every point that saw it before a balancer rewrote it. */
function membersOf(
  subject: Case,
  connection: Connection,
  { balancers, chosen, nodesByMac }: Roles,
): ConnectionSample["members"] {
  const { set, endpoints } = subject.connected;
  const boundary = balancerBoundary(set, connection);
  const members: { tier: string; member: string }[] = [];
  let node: string | null = null;
  connection.legs.forEach((ref, i) => {
    const view = set.view(ref);
    const isToVip = endpoints.ofWords(view.dst, view.dstPort) === connection.vip;
    if (!isToVip || view.up.packets === 0 || !view.has(LEG_SYN | LEG_SYN_ACK)) return;
    const point = set.pointOf(ref);
    if (balancers.has(point.nodeName)) node ??= point.nodeName;
    if (view.context !== 0 || chosen.has(point.nodeName) || (boundary > 0 && i >= boundary)) return;
    const { destination } = firstMacs(set, ref, 0);
    if (destination === 0 || members.some(({ tier }) => tier === point.name)) return;
    const member = macText(macHigh(destination), macLow(destination));
    // what is sent to the point itself was chosen elsewhere
    if (nodesByMac.get(member) !== point.nodeName) members.push({ tier: point.name, member });
  });
  if (node !== null) members.push({ tier: NODE_TIER, member: node });
  return members;
}

function timingsOf(
  set: LegSet,
  connection: Connection,
  isNew: boolean,
): Pick<ConnectionSample, "handshake" | "connect" | "firstByte"> {
  if (!isNew) return { handshake: null, connect: null, firstByte: null };
  const { front, back, legs } = connection;
  // the same figure of one leg alone tells at which it was measured
  const measured = (refs: readonly LegRef[], of: typeof handshakeTime): Timing | null => {
    if (!(of(set, connection) >= 0)) return null;
    for (const ref of refs) {
      const time = of(set, { ...connection, front: ref, back: ref, legs: [ref], hops: ["forward"] });
      if (time >= 0) return { seconds: time / 1e9, point: set.pointOf(ref).name };
    }
    return null;
  };
  return {
    handshake: measured(legs, handshakeTime),
    connect: measured([back], connectTime),
    firstByte: measured([back, front, ...legs], firstByteTime),
  };
}
