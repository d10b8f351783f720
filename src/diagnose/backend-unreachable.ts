import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { addressText } from "../topology/address.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";

/** ARP requests without an answer, before the host is said to be gone. */
const MIN_REQUESTS = 3;
/** Of the connections that a backend was given in the window, so many at most may have succeeded: it is down, not slow. */
const MAX_SUCCEEDED = 0.15;

/**
 * `backend.unreachable`: SYNs to one backend stay unanswered while its siblings answer, or the load balancer asks for
 * its MAC in vain. Established connections to it send into silence.
 */
export const backendUnreachable: Detector = {
  ids: ["backend.unreachable"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.protocol !== 6) continue;
      for (const [backend, connections] of group.byBackend) {
        const one = silentBackend(subject, group, backend, connections);
        if (one) findings.push(one);
      }
      const unresolved = unresolvedBackend(subject, group);
      if (unresolved) findings.push(unresolved);
    }
    return findings;
  },
};

/** No leg of it ever saw an answer: nobody is there, or nothing comes back from it to any point. */
function isUnanswered(subject: Case, connection: Connection): boolean {
  if (subject.outcome(connection) !== "timeout") return false;
  return connection.legs.every((ref) => {
    const leg = subject.leg(ref);
    return leg.down.packets === 0 && !leg.has(L.LEG_SYN_ACK);
  });
}

/** Established before, and then nothing came back any more from its backend. */
function isCutOff(subject: Case, connection: Connection, from: number): boolean {
  if (subject.outcome(connection) !== "timeout") return false;
  const front = subject.front(connection);
  return front.has(L.LEG_SYN_ACK) && front.down.lastTime >= 0 && connection.end >= from && front.up.repeatedCount > 0;
}

function silentBackend(
  subject: Case,
  group: VipGroup,
  backend: number,
  connections: readonly Connection[],
): Finding | null {
  const unanswered = connections.filter((connection) => isUnanswered(subject, connection));
  if (unanswered.length < subject.threshold("backend.unreachable", "connections")) return null;
  const from = unanswered[0]!.start;
  const last = unanswered.at(-1)!.start;
  const inWindow = connections.filter((connection) => connection.start >= from && connection.start <= last);
  const succeeded = inWindow.length - inWindow.filter((connection) => isUnanswered(subject, connection)).length;
  if (succeeded > inWindow.length * MAX_SUCCEEDED) return null;
  const siblings = siblingSuccesses(subject, group, backend, from, last);
  const cutOff = connections.filter((connection) => isCutOff(subject, connection, from));
  const name = subject.text(backend);
  const all = [...unanswered, ...cutOff];
  return {
    id: "backend.unreachable",
    severity: "critical",
    confidence: confidenceFrom(unanswered.length, siblings > 0 ? 0.97 : 0.8),
    title: `${name} does not answer: ${count(unanswered.length, "connection")} (${percent(unanswered.length, group.connections.length)} of ${subject.text(group.vip)}) timed out`,
    explanation:
      `SYNs to ${name} were sent again and again from ${duration(from - subject.start)} on and nothing came back, ` +
      `${succeeded === 0 ? "not once" : `but for ${succeeded} of ${inWindow.length}`} in that time` +
      `${siblings > 0 ? `, while its siblings answered ${count(siblings, "connection")}` : ""}.` +
      `${cutOff.length > 0 ? ` ${count(cutOff.length, "established connection")} to it send into silence.` : ""}`,
    where: { vip: subject.text(group.vip), backend: name },
    window: { from, to: Math.max(...all.map((connection) => connection.end)) },
    measured: {
      unansweredConnections: unanswered.length,
      succeededInWindow: succeeded,
      establishedCutOff: cutOff.length,
      siblingSuccesses: siblings,
    },
    connections: all.map((connection) => connection.id),
    evidence: unanswered.slice(0, 3).flatMap((connection) => synEvidence(subject, connection)),
    displayFilter: `tcp.flags.syn==1 && tcp.analysis.retransmission && ${endpointFilter(subject, backend, "dst")}`,
    remedy: [
      `is the host up, and does it answer the load balancer (ip neigh show; ping from the balancer)? If only TCP is silent: a firewall that drops`,
      "take it out until then: ipvsadm -e … -w 0, HAProxy `set server … state maint`, and shorten the health check so that it is found sooner",
    ],
  };
}

function siblingSuccesses(subject: Case, group: VipGroup, backend: number, from: number, to: number): number {
  let successes = 0;
  for (const connection of group.connections) {
    if (connection.backend === null || connection.backend === backend) continue;
    if (connection.start < from || connection.start > to) continue;
    const outcome = subject.outcome(connection);
    if (outcome === "ok" || outcome === "open") successes++;
  }
  return successes;
}

function synEvidence(subject: Case, connection: Connection): Evidence[] {
  const leg = subject.back(connection);
  return [subject.evidence(connection.back, leg.firstFrame, `SYN, sent ${leg.up.synCount} times, never answered`)];
}

/** The balancer drops what it cannot send: it asks for a backend's MAC and gets no answer. */
function unresolvedBackend(subject: Case, group: VipGroup): Finding | null {
  const lost = group.connections.filter(
    (connection) => connection.backend === null && isUnanswered(subject, connection),
  );
  if (lost.length < subject.threshold("backend.unreachable", "connections")) return null;
  const { set, endpoints } = subject.connected;
  const addresses = new Map<number, number>();
  for (const backend of group.byBackend.keys()) {
    if (!endpoints.isMac(backend)) addresses.set(endpoints.withPort(backend, 0), backend);
  }
  for (const track of set.tracks) {
    const { messages } = track.tracker.neighbourhood;
    for (const request of messages) {
      const asked = endpoints.ofWords(request.target, 0);
      const backend = addresses.get(asked);
      if (request.operation !== 1 || request.count < MIN_REQUESTS || backend === undefined) continue;
      const answered = messages.some(
        (reply) =>
          reply.operation === 2 &&
          endpoints.ofWords(reply.sender, 0) === asked &&
          reply.lastTime > request.lastTime - 1e9,
      );
      if (answered) continue;
      const name = subject.text(backend);
      return {
        id: "backend.unreachable",
        severity: "critical",
        confidence: confidenceFrom(lost.length, 0.93),
        title: `${name} is gone: the load balancer asks for its MAC and gets no answer; ${count(lost.length, "connection")} timed out`,
        explanation: `${count(lost.length, "SYN")} to ${subject.text(group.vip)} were not passed to any backend, while ARP requests for ${addressText(request.target)} (${request.count} at ${track.pointNames[request.point] ?? "the balancer"}) stayed unanswered. The balancer still gives it connections.`,
        where: { vip: subject.text(group.vip), backend: name },
        window: { from: lost[0]!.start, to: Math.max(...lost.map((connection) => connection.end)) },
        measured: { unansweredConnections: lost.length, arpRequests: request.count },
        connections: lost.map((connection) => connection.id),
        evidence: [
          { capture: track.capture, frame: request.firstFrame, note: `ARP request for ${addressText(request.target)}` },
          { capture: track.capture, frame: request.lastFrame, note: "the last of them, still unanswered" },
          ...lost.slice(0, 2).flatMap((connection) => synEvidence(subject, connection)),
        ],
        displayFilter: `arp.dst.proto_ipv4==${addressText(request.target)} || (tcp.flags.syn==1 && tcp.analysis.retransmission)`,
        remedy: [
          "bring the host or its link back, or take it out of the load balancer: ipvsadm -d / -w 0, nft: remove it from the map",
        ],
      };
    }
  }
  return null;
}
