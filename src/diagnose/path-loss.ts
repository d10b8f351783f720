import { fisherTail } from "../balance/statistics.ts";
import { SYN } from "../decode/packet.ts";
import { RETRANSMIT } from "../flow/event-log.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import { byBackend } from "./by-backend.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";
import { ownersOf, scanLegs } from "./leg-scan.ts";

/** Connections of one backend with something sent again, before a concentration can be told from chance. */
const MIN_LOSSY = 4;
const MIN_RETRANSMITS = 8;
/** Chance that a difference is none: small, since every backend of every VIP is tested. */
const MAX_P = 1e-4;
/** Loss on all connections of a VIP alike, and of enough of them. */
const EVERYWHERE_RATE = 0.03;
const EVERYWHERE_CONNECTIONS = 20;
/** Share of the connections that suffer, and the part of the time, that make it one moment. */
const ONE_MOMENT = 0.8;
const MOMENT_SHARE = 0.25;

/** What was sent again on some connections. */
interface Loss {
  connections: number;
  lossy: Connection[];
  retransmits: number;
  /** Segments with and without payload; counted only when asked for. */
  segments(): number;
}

/**
 * `path.loss`: retransmissions concentrated on the connections of one backend against the others', or high on all.
 * Connections are compared, not packets: those of one connection are not independent.
 */
export const pathLoss: Detector = {
  ids: ["path.loss"],
  find(subject) {
    const findings: Finding[] = [];
    const { resent } = scanLegs(subject);
    if (resent.length < MIN_LOSSY) return findings;
    const suspects = [...new Set(ownersOf(subject, resent).values())].sort((a, b) => a.start - b.start);
    for (const group of subject.vips) {
      if (group.protocol !== 6) continue;
      const own = suspects.filter((connection) => subject.isOf(group, connection));
      if (own.length < MIN_LOSSY) continue;
      const losses = new Map<number, Loss>();
      const suspected = byBackend(own);
      for (const [backend, connections] of group.byBackend) {
        losses.set(backend, lossOf(subject, connections, suspected.get(backend) ?? []));
      }
      let found = false;
      for (const [backend, loss] of losses) {
        // most backends lose nothing, and of each all others would be looked through
        if (loss.lossy.length < MIN_LOSSY || loss.retransmits < MIN_RETRANSMITS) continue;
        const rest = [...losses].filter(([other]) => other !== backend).map(([, theirs]) => theirs);
        const one = lossyBackend(subject, group, backend, loss, rest);
        if (one) findings.push(one);
        found ||= one !== null;
      }
      if (found) continue;
      const everywhere = lossyEverywhere(subject, group, lossOf(subject, group.connections, own));
      if (everywhere) findings.push(everywhere);
    }
    return findings;
  },
};

/** Segments sent again on a connection, where most of them were seen. SYNs are not counted. */
function retransmitsOf(subject: Case, connection: Connection): number {
  let retransmits = 0;
  for (const ref of connection.legs) {
    const { up, down } = subject.leg(ref);
    const again = up.retransmits + down.retransmits;
    if (again <= retransmits) continue;
    const syns = Math.max(0, up.synCount - 1) + Math.max(0, down.synCount - 1);
    retransmits = Math.max(retransmits, again - syns);
  }
  return retransmits;
}

/** @param suspects those of the connections with something sent again: the others, which are most, are not looked at */
function lossOf(subject: Case, connections: readonly Connection[], suspects: readonly Connection[]): Loss {
  let segments = -1;
  const loss: Loss = {
    connections: connections.length,
    lossy: [],
    retransmits: 0,
    segments: () => {
      if (segments < 0) segments = segmentsOf(subject, connections);
      return segments;
    },
  };
  for (const connection of suspects) {
    if (ranIntoSilence(subject, connection)) continue;
    const retransmits = retransmitsOf(subject, connection);
    if (retransmits === 0) continue;
    loss.retransmits += retransmits;
    loss.lossy.push(connection);
  }
  return loss;
}

/** A connection that ran into silence says that something is gone, not that packets are lost now and then. */
function ranIntoSilence(subject: Case, connection: Connection): boolean {
  return subject.outcome(connection) === "timeout";
}

function segmentsOf(subject: Case, connections: readonly Connection[]): number {
  let segments = 0;
  for (const connection of connections) {
    if (ranIntoSilence(subject, connection)) continue;
    const { up, down } = subject.back(connection);
    segments += up.packets - up.copies + down.packets - down.copies;
  }
  return segments;
}

function lossyBackend(
  subject: Case,
  group: VipGroup,
  backend: number,
  own: Loss,
  rest: readonly Loss[],
): Finding | null {
  const sum = (read: (loss: Loss) => number) => rest.reduce((total, loss) => total + read(loss), 0);
  const others = { connections: sum((loss) => loss.connections), lossy: sum((loss) => loss.lossy.length) };
  if (others.connections === 0) return null;
  const segments = own.segments();
  const rate = own.retransmits / Math.max(1, segments);
  // Against the others', and in itself: below nobody is hurt.
  if (rate < subject.threshold("path.loss", "rate")) return null;
  const otherRetransmits = sum((loss) => loss.retransmits);
  const otherSegments = sum((loss) => loss.segments());
  const otherRate = otherRetransmits / Math.max(1, otherSegments);
  if (rate < otherRate * subject.threshold("path.loss", "factor")) return null;
  const p = fisherTail(own.lossy.length, own.connections, others.lossy, others.connections);
  if (p > MAX_P) return null;
  const name = subject.text(backend);
  return {
    id: "path.loss",
    severity: "warning",
    confidence: confidenceFrom(own.lossy.length, p < 1e-8 ? 0.97 : 0.9),
    title: `packets to and from ${name} are lost: ${percent(own.retransmits, segments)} sent again, elsewhere ${percent(otherRetransmits, otherSegments)}`,
    explanation: `${own.lossy.length} of its ${count(own.connections, "connection")} had segments sent again, against ${others.lossy} of ${others.connections} of its siblings (chance of that: ${p < 1e-12 ? "below 1e-12" : p.toExponential(0)}). What they share is that backend and its link, so the loss is there.`,
    where: { vip: subject.text(group.vip), backend: name },
    ...common(subject, own),
    measured: {
      retransmitRate: rate,
      siblingsRetransmitRate: otherRate,
      connectionsWithLoss: own.lossy.length,
      connections: own.connections,
      pValue: p,
    },
    displayFilter: `tcp.analysis.retransmission && ${endpointFilter(subject, backend, "addr")}`,
    remedy: [
      "on the backend and its switch port: ip -s link, ethtool -S IF (errors, drops, CRC), a bad cable, duplex or a full queue (tc -s qdisc)",
      "nstat -az TcpRetransSegs TcpExtTCPLostRetransmit on the backend against its siblings",
    ],
  };
}

/**
 * Nearly all began to be sent again within a small part of the time: something was gone for a while (a failover, a cable,
 * a change of route), and no link loses packets now and then.
 */
function isOneMoment(subject: Case, group: VipGroup, { lossy }: Loss): boolean {
  const first = group.connections[0]!.start;
  const last = group.connections.reduce((end, connection) => Math.max(end, connection.end), first);
  const times = lossy.flatMap((connection) => firstRepetition(subject, connection) ?? []).sort((a, b) => a - b);
  const most = Math.ceil(times.length * ONE_MOMENT);
  const span = (last - first) * MOMENT_SHARE;
  return times.some((time, i) => (times[i + most - 1] ?? Number.POSITIVE_INFINITY) - time <= span);
}

/** When a connection first sent a segment again, on the reference clock. */
function firstRepetition(subject: Case, connection: Connection): number | null {
  const { set } = subject.connected;
  let earliest: number | null = null;
  for (const ref of connection.legs) {
    const { up, down } = subject.leg(ref);
    if (up.retransmits + down.retransmits === 0) continue;
    const track = set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind !== RETRANSMIT || (event.flags & SYN) !== 0) continue;
      const time = subject.reference(ref, event.time);
      if (earliest === null || time < earliest) earliest = time;
      break;
    }
  }
  return earliest;
}

/** Every connection suffers alike: the way that all of them share. */
function lossyEverywhere(subject: Case, group: VipGroup, all: Loss): Finding | null {
  if (all.lossy.length < EVERYWHERE_CONNECTIONS || all.lossy.length < all.connections * 0.3) return null;
  const segments = all.segments();
  const rate = all.retransmits / Math.max(1, segments);
  if (rate < EVERYWHERE_RATE || isOneMoment(subject, group, all)) return null;
  return {
    id: "path.loss",
    severity: "warning",
    confidence: confidenceFrom(all.lossy.length, 0.85),
    title: `packets of ${subject.text(group.vip)} are lost: ${percent(all.retransmits, segments)} sent again, on all backends alike`,
    explanation: `${all.lossy.length} of ${count(all.connections, "connection")} had segments sent again, and no backend stands out: the loss is on the way that all share (clients' side, router, or the load balancer's own link).`,
    where: { vip: subject.text(group.vip) },
    ...common(subject, all),
    measured: { retransmitRate: rate, connectionsWithLoss: all.lossy.length, connections: all.connections },
    displayFilter: `tcp.analysis.retransmission && ${endpointFilter(subject, group.vip, "addr")}`,
    remedy: [
      "compare captures on both sides of each box: the segment that one has and the next has not names the link",
      "ip -s link and ethtool -S on the load balancer and the router",
    ],
  };
}

function common(subject: Case, loss: Loss): Pick<Finding, "window" | "connections" | "evidence"> {
  return {
    window: { from: loss.lossy[0]!.start, to: Math.max(...loss.lossy.map((connection) => connection.end)) },
    connections: loss.lossy.map((connection) => connection.id),
    evidence: someEvidence(subject, loss),
  };
}

function someEvidence(subject: Case, loss: Loss): Evidence[] {
  const evidence: Evidence[] = [];
  for (const connection of loss.lossy) {
    evidence.push(...retransmitEvidence(subject, connection));
    if (evidence.length >= 3) break;
  }
  return evidence;
}

function retransmitEvidence(subject: Case, connection: Connection): Evidence[] {
  const { set } = subject.connected;
  for (const ref of connection.legs) {
    const leg = subject.leg(ref);
    if (leg.up.retransmits + leg.down.retransmits === 0) continue;
    const track = set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind === RETRANSMIT && (event.flags & SYN) === 0)
        return [subject.evidence(ref, event.frame, `sent again, c${connection.id}`)];
    }
  }
  return [];
}
