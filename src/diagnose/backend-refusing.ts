import { UDP } from "../decode/packet.ts";
import type { Connection } from "../path/connection.ts";
import { byBackend } from "./by-backend.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";

/** A destination that no load balancing was seen for is a service of its own: more of them must be refused. */
const MIN_REFUSED_UNBALANCED = 10;

/** Refusals of one backend, by clients' connections and by attempts that a proxy made for them. */
interface Refusals {
  backend: number;
  refused: Connection[];
  attempts: Connection[];
  asked: number;
}

/**
 * `backend.refusing`: a backend answers SYNs with resets (UDP: with ICMP port unreachable) while its siblings accept.
 * A proxy hides it from clients by trying another; the attempts show it.
 */
export const backendRefusing: Detector = {
  ids: ["backend.refusing"],
  find(subject) {
    const findings: Finding[] = [];
    const attempts = attemptsByBackend(subject);
    for (const group of subject.vips) {
      for (const refusals of refusalsOf(subject, group, attempts)) findings.push(finding(subject, group, refusals));
      const unknown = unbalanced(subject, group);
      if (unknown) findings.push(unknown);
    }
    return findings;
  },
};

function isRefused(subject: Case, connection: Connection): boolean {
  if (connection.protocol === UDP) return subject.outcome(connection) === "refused";
  const verdict = subject.mainReset(connection);
  return verdict?.cause === "refused" && (verdict.by === "backend" || verdict.by === "unknown");
}

/** Refused connections of a group by backend: of TCP, only what saw a reset needs to be looked at. */
function refusedByBackend(subject: Case, group: VipGroup): Map<number | null, Connection[]> {
  const candidates = group.protocol === UDP ? group.connections : group.withResets;
  return byBackend(candidates.filter((connection) => isRefused(subject, connection)));
}

function attemptsByBackend(subject: Case): Map<number, Connection[]> {
  const attempts = new Map<number, Connection[]>();
  for (const attempt of subject.attempts) {
    const list = attempts.get(attempt.vip);
    if (list) list.push(attempt);
    else attempts.set(attempt.vip, [attempt]);
  }
  return attempts;
}

function refusalsOf(subject: Case, group: VipGroup, attempts: ReadonlyMap<number, Connection[]>): Refusals[] {
  const all: Refusals[] = [];
  const refusals = refusedByBackend(subject, group);
  for (const [backend, connections] of group.byBackend) {
    const refused = refusals.get(backend) ?? [];
    const tried = attempts.get(backend) ?? [];
    const refusedAttempts = tried.filter((attempt) => isRefused(subject, attempt));
    all.push({ backend, refused, attempts: refusedAttempts, asked: connections.length + tried.length });
  }
  const total = (one: Refusals) => one.refused.length + one.attempts.length;
  // A single refusal is a retry; from so many on somebody should look.
  const least = subject.threshold("backend.refusing", "connections");
  return all.filter((one) => total(one) >= least && total(one) >= one.asked * 0.02);
}

function finding(subject: Case, group: VipGroup, { backend, refused, attempts, asked }: Refusals): Finding {
  const name = subject.text(backend);
  const failed = [...refused, ...attempts];
  const times = failed.map((connection) => connection.start);
  const siblings = [...group.byBackend.keys()].filter((other) => other !== backend).length;
  const isHidden = refused.length === 0;
  const isUdp = group.protocol === UDP;
  const answer = isUdp ? "ICMP port unreachable" : "a reset";
  return {
    id: "backend.refusing",
    severity: isHidden ? "warning" : "critical",
    confidence: confidenceFrom(failed.length),
    title: isHidden
      ? `${name} refuses connections; the proxy hides it by trying another (${count(attempts.length, "attempt")})`
      : `${name} refuses ${isUdp ? "requests" : "connections"}: ${refused.length} of ${asked} (${percent(refused.length, asked)})`,
    explanation:
      `${name} answered ${count(failed.length, isUdp ? "request" : "SYN")} with ${answer} within a round trip: the host is up, but nothing listens on that port` +
      `${siblings > 0 ? `, while ${count(siblings, "other backend")} of ${subject.text(group.vip)} accept` : ""}.` +
      `${attempts.length > 0 && !isHidden ? ` The proxy tried it ${attempts.length} more times for clients it then sent elsewhere.` : ""}`,
    where: { vip: subject.text(group.vip), backend: name },
    window: { from: Math.min(...times), to: Math.max(...times) },
    measured: { refusedConnections: refused.length, refusedAttempts: attempts.length, asked, siblings },
    connections: failed.map((connection) => connection.id),
    evidence: failed.slice(0, 3).flatMap((connection) => refusalEvidence(subject, connection, answer)),
    displayFilter: isUdp
      ? `icmp.type==3 && icmp.code==3`
      : `tcp.flags.reset==1 && tcp.seq==1 && ${endpointFilter(subject, backend, "src")}`,
    remedy: [
      `on the backend: is the service running and bound to that address and port (ss -ltnp 'sport = :${subject.connected.endpoints.port(backend)}')?`,
      "until then take it out: ipvsadm -e … -w 0, HAProxy `set server BACKEND/SERVER state maint`, or fix the health check that still calls it up",
    ],
  };
}

function refusalEvidence(subject: Case, connection: Connection, answer: string): Evidence[] {
  const verdict = subject.mainReset(connection);
  if (verdict) return [subject.evidence(verdict.ref, verdict.event.frame, `${answer} answers the SYN`)];
  return [subject.evidence(connection.back, subject.back(connection).lastFrame, `${answer} answers the request`)];
}

/** Nothing shows which box refuses: the destination as a whole. */
function unbalanced(subject: Case, group: VipGroup): Finding | null {
  const refused = refusedByBackend(subject, group).get(null) ?? [];
  const clients = new Set(refused.map((connection) => subject.connected.endpoints.withPort(connection.client, 0)));
  if (refused.length < MIN_REFUSED_UNBALANCED || clients.size < 3) return null;
  const name = subject.text(group.vip);
  const times = refused.map((connection) => connection.start);
  return {
    id: "backend.refusing",
    severity: "critical",
    confidence: 0.6,
    title: `${name} refuses connections: ${refused.length} of ${group.connections.length}`,
    explanation: `${count(refused.length, "request")} to ${name} from ${count(clients.size, "client")} were refused within a round trip. From these points it cannot be told whether a backend or the load balancer itself refuses; a capture on the balancer's backend side settles it.`,
    where: { vip: name },
    window: { from: Math.min(...times), to: Math.max(...times) },
    measured: { refusedConnections: refused.length, asked: group.connections.length, clients: clients.size },
    connections: refused.map((connection) => connection.id),
    evidence: refused.slice(0, 3).flatMap((connection) => refusalEvidence(subject, connection, "a reset")),
    displayFilter: `tcp.flags.reset==1 && ${endpointFilter(subject, group.vip, "src")}`,
    remedy: ["capture on the load balancer's backend side as well, or see whether any backend is configured and up"],
  };
}

/** A display filter for an endpoint as source or destination. */
export function endpointFilter(subject: Case, endpoint: number, end: "src" | "dst" | "addr"): string {
  const { endpoints } = subject.connected;
  if (endpoints.isMac(endpoint)) return `eth.${end}==${endpoints.text(endpoint)}`;
  const text = endpoints.text(endpoint);
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return `${address.includes(":") ? "ipv6" : "ip"}.${end}==${address}`;
}
