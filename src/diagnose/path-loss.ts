import { fisherTail } from "../balance/statistics.ts";
import { SYN } from "../decode/packet.ts";
import { RETRANSMIT } from "../flow/event-log.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";

/** Connections of one backend with something sent again, before a concentration can be told from chance. */
const MIN_LOSSY = 4;
const MIN_RETRANSMITS = 8;
/** Chance that a difference is none: small, since every backend of every VIP is tested. */
const MAX_P = 1e-4;
/** Loss on all connections of a VIP alike, and of enough of them. */
const EVERYWHERE_RATE = 0.03;
const EVERYWHERE_CONNECTIONS = 20;

interface Loss {
  connections: readonly Connection[];
  lossy: Connection[];
  retransmits: number;
  segments: number;
}

/**
 * `path.loss`: retransmissions concentrated on the connections of one backend against the others', or high on all.
 * Connections are compared, not packets: those of one connection are not independent.
 */
export const pathLoss: Detector = {
  ids: ["path.loss"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.protocol !== 6) continue;
      const losses = new Map<number, Loss>();
      for (const [backend, connections] of group.byBackend) losses.set(backend, lossOf(subject, connections));
      let found = false;
      for (const [backend, own] of losses) {
        const rest = [...losses].filter(([other]) => other !== backend).map(([, loss]) => loss);
        const one = lossyBackend(subject, group, backend, own, rest);
        if (one) findings.push(one);
        found ||= one !== null;
      }
      if (!found) {
        const rest = group.connections.filter(({ backend }) => backend === null);
        const everywhere = lossyEverywhere(subject, group, [...losses.values(), lossOf(subject, rest)]);
        if (everywhere) findings.push(everywhere);
      }
    }
    return findings;
  },
};

/** Segments sent again on a connection, where most of them were seen, and the segments with payload. SYNs are not counted. */
function retransmitsOf(subject: Case, connection: Connection): { retransmits: number; segments: number } {
  let retransmits = 0;
  for (const ref of connection.legs) {
    const { up, down } = subject.leg(ref);
    const again = up.retransmits + down.retransmits;
    if (again <= retransmits) continue;
    const syns = Math.max(0, up.synCount - 1) + Math.max(0, down.synCount - 1);
    retransmits = Math.max(retransmits, again - syns);
  }
  const { up, down } = subject.back(connection);
  const segments = up.packets - up.copies + down.packets - down.copies;
  return { retransmits, segments };
}

function lossOf(subject: Case, connections: readonly Connection[]): Loss {
  const loss: Loss = { connections, lossy: [], retransmits: 0, segments: 0 };
  for (const connection of connections) {
    // A connection that ran into silence says that something is gone, not that packets are lost now and then.
    if (subject.outcome(connection) === "timeout") continue;
    const { retransmits, segments } = retransmitsOf(subject, connection);
    loss.segments += segments;
    loss.retransmits += retransmits;
    if (retransmits > 0) loss.lossy.push(connection);
  }
  return loss;
}

function together(group: VipGroup, parts: readonly Loss[]): Loss {
  return {
    connections: group.connections,
    lossy: parts.flatMap(({ lossy }) => lossy).sort((a, b) => a.start - b.start),
    retransmits: parts.reduce((sum, { retransmits }) => sum + retransmits, 0),
    segments: parts.reduce((sum, { segments }) => sum + segments, 0),
  };
}

function lossyBackend(
  subject: Case,
  group: VipGroup,
  backend: number,
  own: Loss,
  rest: readonly Loss[],
): Finding | null {
  const others = rest.reduce(
    (sum, loss) => ({
      connections: sum.connections + loss.connections.length,
      lossy: sum.lossy + loss.lossy.length,
      retransmits: sum.retransmits + loss.retransmits,
      segments: sum.segments + loss.segments,
    }),
    { connections: 0, lossy: 0, retransmits: 0, segments: 0 },
  );
  if (own.lossy.length < MIN_LOSSY || own.retransmits < MIN_RETRANSMITS || others.connections === 0) return null;
  const rate = own.retransmits / Math.max(1, own.segments);
  const otherRate = others.retransmits / Math.max(1, others.segments);
  // Against the others', and in itself: below nobody is hurt.
  if (rate < subject.threshold("path.loss", "rate")) return null;
  if (rate < otherRate * subject.threshold("path.loss", "factor")) return null;
  const p = fisherTail(own.lossy.length, own.connections.length, others.lossy, others.connections);
  if (p > MAX_P) return null;
  const name = subject.text(backend);
  return {
    id: "path.loss",
    severity: "warning",
    confidence: confidenceFrom(own.lossy.length, p < 1e-8 ? 0.97 : 0.9),
    title: `packets to and from ${name} are lost: ${percent(own.retransmits, own.segments)} sent again, elsewhere ${percent(others.retransmits, others.segments)}`,
    explanation: `${own.lossy.length} of its ${count(own.connections.length, "connection")} had segments sent again, against ${others.lossy} of ${others.connections} of its siblings (chance of that: ${p < 1e-12 ? "below 1e-12" : p.toExponential(0)}). What they share is that backend and its link, so the loss is there.`,
    where: { vip: subject.text(group.vip), backend: name },
    ...common(subject, own),
    measured: {
      retransmitRate: rate,
      siblingsRetransmitRate: otherRate,
      connectionsWithLoss: own.lossy.length,
      connections: own.connections.length,
      pValue: p,
    },
    displayFilter: `tcp.analysis.retransmission && ${endpointFilter(subject, backend, "addr")}`,
    remedy: [
      "on the backend and its switch port: ip -s link, ethtool -S IF (errors, drops, CRC), a bad cable, duplex or a full queue (tc -s qdisc)",
      "nstat -az TcpRetransSegs TcpExtTCPLostRetransmit on the backend against its siblings",
    ],
  };
}

/** Every connection suffers alike: the way that all of them share. */
function lossyEverywhere(subject: Case, group: VipGroup, parts: readonly Loss[]): Finding | null {
  const all = together(group, parts);
  if (all.lossy.length < EVERYWHERE_CONNECTIONS || all.lossy.length < all.connections.length * 0.3) return null;
  const rate = all.retransmits / Math.max(1, all.segments);
  if (rate < EVERYWHERE_RATE) return null;
  return {
    id: "path.loss",
    severity: "warning",
    confidence: confidenceFrom(all.lossy.length, 0.85),
    title: `packets of ${subject.text(group.vip)} are lost: ${percent(all.retransmits, all.segments)} sent again, on all backends alike`,
    explanation: `${all.lossy.length} of ${count(all.connections.length, "connection")} had segments sent again, and no backend stands out: the loss is on the way that all share (clients' side, router, or the load balancer's own link).`,
    where: { vip: subject.text(group.vip) },
    ...common(subject, all),
    measured: { retransmitRate: rate, connectionsWithLoss: all.lossy.length, connections: all.connections.length },
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
