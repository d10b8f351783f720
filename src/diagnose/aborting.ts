import { fisherTail } from "../balance/statistics.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import type { ResetVerdict } from "./reset-verdict.ts";

/** Addresses from which one balancer, or a pair of them, calls backends. */
const MOST_BALANCERS = 2;

interface Abort {
  connection: Connection;
  verdict: ResetVerdict;
}

/** `client.aborting` and `backend.aborting`: one end resets connections whose socket it holds, in mid-transfer. */
export const aborting: Detector = {
  ids: ["client.aborting", "backend.aborting"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.protocol !== 6) continue;
      const client: Abort[] = [];
      const backend: Abort[] = [];
      for (const connection of group.withResets) {
        const verdict = abortOf(subject, connection);
        if (!verdict) continue;
        (verdict.cause === "client-abort" ? client : backend).push({ connection, verdict });
      }
      const total = group.connections.length;
      // Some clients always abort; from so many and such a share on it is worth a look.
      if (isMany(subject, "client.aborting", client.length, total) && areClients(subject, group)) {
        findings.push(clientFinding(subject, group, client));
      }
      if (isMany(subject, "backend.aborting", backend.length, total)) {
        findings.push(backendFinding(subject, group, backend));
      }
    }
    return findings;
  },
};

/** False where all may come from a balancer: few addresses call, and no point shows what is before them. */
function areClients(subject: Case, group: VipGroup): boolean {
  const { endpoints } = subject.connected;
  const callers = new Set<number>();
  for (const { client, mode } of group.connections) {
    if (mode !== null) return true;
    if (callers.add(endpoints.withPort(client, 0)).size > MOST_BALANCERS) return true;
  }
  return false;
}

function isMany(subject: Case, id: "client.aborting" | "backend.aborting", aborts: number, total: number): boolean {
  return aborts >= subject.threshold(id, "connections") && aborts >= total * subject.threshold(id, "share");
}

function abortOf(subject: Case, connection: Connection): ResetVerdict | null {
  const verdicts = subject.resets.get(connection.id);
  if (!verdicts) return null;
  for (const verdict of verdicts) {
    if (verdict.isHarmless) continue;
    if (verdict.cause === "backend-abort") return verdict;
    if (verdict.cause === "client-abort" && isMidTransfer(subject, connection, verdict)) return verdict;
  }
  return null;
}

/**
 * A client that resets after it had received and acknowledged a whole answer only closes in an untidy way. Mid-transfer
 * is a reset while an answer is outstanding or under way.
 */
function isMidTransfer(subject: Case, connection: Connection, { event }: ResetVerdict): boolean {
  const { up, down } = subject.front(connection);
  // Nothing but the handshake: a check whether the port answers.
  if (Number.isNaN(down.lastDataTime)) return up.payloadBytes > 0;
  const inFlight = ((event.extra[10]! - event.extra[5]!) | 0) > 0;
  return inFlight || up.lastDataTime > down.lastDataTime;
}

function clientFinding(subject: Case, group: VipGroup, aborts: readonly Abort[]): Finding {
  const { endpoints } = subject.connected;
  const clients = new Set(aborts.map(({ connection }) => endpoints.withPort(connection.client, 0)));
  const vip = subject.text(group.vip);
  return {
    id: "client.aborting",
    severity: "warning",
    confidence: confidenceFrom(aborts.length, 0.95),
    title: `clients abort ${aborts.length} of ${count(group.connections.length, "connection")} to ${vip} (${percent(aborts.length, group.connections.length)})`,
    explanation: `${count(clients.size, "client")} sent resets in sequence while an answer was outstanding or still coming: the programs closed their sockets, by a time-out of their own, a user who left, or SO_LINGER 0. The load balancer and the backends did what they should.`,
    where: { vip },
    ...common(subject, aborts),
    measured: { aborted: aborts.length, connections: group.connections.length, clients: clients.size },
    displayFilter: `tcp.flags.reset==1 && tcp.flags.ack==1 && ${endpointFilter(subject, group.vip, "dst")}`,
    remedy: [
      "look at the clients' time-outs against the answers' times (backend.slow, if it is listed, comes first)",
      "health checks and monitoring that close with a reset belong on the list of sources to ignore",
    ],
  };
}

function backendFinding(subject: Case, group: VipGroup, aborts: readonly Abort[]): Finding {
  const byBackend = new Map<number, number>();
  for (const { connection } of aborts) {
    if (connection.backend !== null) byBackend.set(connection.backend, (byBackend.get(connection.backend) ?? 0) + 1);
  }
  const worst = [...byBackend].sort((a, b) => b[1] - a[1])[0];
  const isOne = worst !== undefined && isConcentrated(group, worst, aborts.length);
  const vip = subject.text(group.vip);
  const who = isOne ? subject.text(worst[0]) : `backends of ${vip}`;
  return {
    id: "backend.aborting",
    severity: "warning",
    confidence: confidenceFrom(aborts.length, 0.95),
    title: `${who} abort${isOne ? "s" : ""} ${count(isOne ? worst[1] : aborts.length, "connection")} (${percent(aborts.length, group.connections.length)} of ${vip})`,
    explanation: `Resets in sequence came from ${isOne ? "that backend" : count(byBackend.size, "backend")} with the socket still held: the service closed with data unread, crashed or gave up. ${isOne ? `Of all ${aborts.length} aborts ${worst[1]} are its own.` : "No backend stands out."}`,
    where: isOne ? { vip, backend: subject.text(worst[0]) } : { vip },
    ...common(subject, aborts),
    measured: { aborted: aborts.length, connections: group.connections.length, worstBackend: worst ? worst[1] : 0 },
    displayFilter: `tcp.flags.reset==1 && tcp.flags.ack==1 && ${endpointFilter(subject, isOne ? worst[0] : group.vip, "src")}`,
    remedy: [
      "look into the service's log at these times: crashes, restarts, limits on request size or time, an overload guard",
      "a close() with unread input sends a reset: read the request to its end before closing",
    ],
  };
}

/** One backend has far more of the aborts than of the connections. */
function isConcentrated(group: VipGroup, [backend, own]: readonly [number, number], all: number): boolean {
  const connections = group.byBackend.get(backend)?.length ?? 0;
  const rest = group.connections.length - connections;
  if (own < all * 0.6) return false;
  return rest === 0 || fisherTail(own, connections, all - own, rest) < 0.01;
}

function common(subject: Case, aborts: readonly Abort[]): Pick<Finding, "window" | "connections" | "evidence"> {
  const times = aborts.map(({ verdict }) => verdict.time);
  return {
    window: { from: Math.min(...times), to: Math.max(...times) },
    connections: aborts.map(({ connection }) => connection.id),
    evidence: aborts
      .slice(0, 4)
      .map(({ connection, verdict }) =>
        subject.evidence(verdict.ref, verdict.event.frame, `reset of c${connection.id}`),
      ),
  };
}
