import { RETRANSMIT } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";

const MIN_OVERFLOWS = 3;
/** Share of a backend's other connections that repeat data from which its path is said to lose packets. */
const LOSSY_SHARE = 0.3;

/** How a full accept queue showed itself on one connection. */
type Symptom = "repeated SYN-ACK" | "ignored SYN" | "reset after the handshake";

/**
 * `backend.overflow`: a backend's accept queue is full. It repeats its SYN-ACK though the final ACK arrived, ignores
 * SYNs, or (tcp_abort_on_overflow) resets right after the handshake, while other connections to it succeed.
 */
export const backendOverflow: Detector = {
  ids: ["backend.overflow"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.protocol !== 6) continue;
      for (const [backend, connections] of group.byBackend) {
        const one = overflowOf(subject, group, backend, connections);
        if (one) findings.push(one);
      }
    }
    return findings;
  },
};

function overflowOf(
  subject: Case,
  group: VipGroup,
  backend: number,
  connections: readonly Connection[],
): Finding | null {
  const suffering = new Map<Connection, Symptom>();
  let strong = 0;
  for (const connection of connections) {
    const symptom = symptomOf(subject, connection);
    if (!symptom) continue;
    suffering.set(connection, symptom);
    if (symptom !== "ignored SYN") strong++;
  }
  if (suffering.size < MIN_OVERFLOWS) return null;
  const hit = [...suffering.keys()];
  // A repeated answer names the queue. Ignored SYNs alone may be loss or a dead host: then what got in must run well.
  if (strong < Math.max(2, suffering.size * 0.2) && !ignoresOnlySyns(subject, connections, hit)) return null;
  if (losesDataToo(subject, connections, suffering)) return null;
  const from = Math.min(...hit.map((connection) => connection.start));
  const to = Math.max(...hit.map((connection) => connection.end));
  const accepted = connections.filter((connection) => subject.back(connection).down.payloadBytes > 0).length;
  if (accepted === 0 || isEverywhere(subject, group, backend, suffering.size / connections.length)) return null;
  const name = subject.text(backend);
  const of = (symptom: Symptom) => [...suffering.values()].filter((one) => one === symptom).length;
  const failed = hit.filter((connection) => !["ok", "open"].includes(subject.outcome(connection))).length;
  return {
    id: "backend.overflow",
    severity: "critical",
    confidence: confidenceFrom(Math.max(strong, hit.length / 2), strong > 1 ? 0.97 : 0.9),
    title: `${name} does not accept fast enough: its listen queue overflows (${suffering.size} of ${count(connections.length, "connection")}, ${percent(suffering.size, connections.length)})`,
    explanation:
      `Handshakes with ${name} reach it and are not taken: ${of("repeated SYN-ACK")} times it repeated its SYN-ACK although the client's final ACK had arrived, ` +
      `${of("ignored SYN")} times it ignored the SYN, ${of("reset after the handshake")} times it reset right after the handshake; ` +
      `${count(accepted, "other connection")} to it were served. ${failed > 0 ? `${failed} of them failed.` : "They waited one or more seconds."}`,
    where: { vip: subject.text(group.vip), backend: name },
    window: { from, to },
    measured: {
      repeatedSynAcks: of("repeated SYN-ACK"),
      ignoredSyns: of("ignored SYN"),
      resetsAfterHandshake: of("reset after the handshake"),
      accepted,
      failed,
    },
    connections: hit.map((connection) => connection.id),
    evidence: hit.slice(0, 4).map((connection) => evidenceOf(subject, connection, suffering.get(connection)!)),
    displayFilter: `tcp.flags.syn==1 && tcp.analysis.retransmission && ${endpointFilter(subject, backend, "addr")}`,
    remedy: [
      "on the backend: ss -ltn (Recv-Q at Send-Q is a full queue), nstat -az TcpExtListenOverflows TcpExtListenDrops",
      "raise the service's listen backlog and net.core.somaxconn, and find why accept() is slow (a blocked event loop, too few workers)",
      "limit what it gets meanwhile: a lower weight, least connections, HAProxy `maxconn` on the server line",
    ],
  };
}

/**
 * SYNs of several connections were ignored more than once in a row, while others were served in between and their data
 * needed no repeating: a path that loses packets does not choose SYNs, and a dead host serves nobody.
 */
function ignoresOnlySyns(subject: Case, connections: readonly Connection[], hit: readonly Connection[]): boolean {
  const from = Math.min(...hit.map((connection) => connection.start));
  const to = Math.max(...hit.map((connection) => connection.start));
  const again = hit.filter((connection) => subject.back(connection).up.synCount > 2);
  if (again.length < 2) return false;
  const served = connections.filter((connection) => subject.back(connection).down.payloadBytes > 0);
  const between = served.filter((connection) => connection.start > from && connection.start < to);
  const lossy = served.filter((connection) => repeatsData(subject, connection));
  return between.length > 0 && lossy.length / served.length < hit.length / connections.length / 3;
}

/**
 * The backend's other connections, whose handshakes went well, repeat data as well: what is repeated in handshakes got
 * lost, between this point and the backend's queue.
 */
function losesDataToo(
  subject: Case,
  connections: readonly Connection[],
  suffering: ReadonlyMap<Connection, Symptom>,
): boolean {
  const others = connections.filter((connection) => !suffering.has(connection));
  return others.filter((connection) => repeatsData(subject, connection)).length > others.length * LOSSY_SHARE;
}

function repeatsData(subject: Case, connection: Connection): boolean {
  const { up, down } = subject.back(connection);
  return up.retransmits - Math.max(0, up.synCount - 1) + down.retransmits - Math.max(0, down.synCount - 1) > 0;
}

function symptomOf(subject: Case, connection: Connection): Symptom | null {
  const verdict = subject.mainReset(connection);
  if (verdict?.cause === "overflow") return "reset after the handshake";
  const back = subject.back(connection);
  if (back.down.synCount > 1 && repeatsAfterAck(subject, connection)) return "repeated SYN-ACK";
  if (back.up.synCount > 1 && back.down.synCount <= 1 && !back.has(L.LEG_RST_DOWN)) return "ignored SYN";
  return null;
}

/** A SYN-ACK that comes again after the client's ACK passed this point: the backend got the ACK and dropped it. */
function repeatsAfterAck(subject: Case, connection: Connection): boolean {
  const { set } = subject.connected;
  const track = set.trackOf(connection.back);
  const back = subject.back(connection);
  const acked = back.handshakeAckTime;
  if (Number.isNaN(acked)) return false;
  for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(connection.back))) {
    if (event.kind === RETRANSMIT && event.side === 1 && (event.flags & 2) !== 0 && event.time > acked) return true;
  }
  return false;
}

/** The same on all backends is a flood or a lossy path, not one host's queue. */
function isEverywhere(subject: Case, group: VipGroup, backend: number, share: number): boolean {
  let asked = 0;
  let hit = 0;
  for (const [other, connections] of group.byBackend) {
    if (other === backend) continue;
    asked += connections.length;
    for (const connection of connections) if (symptomOf(subject, connection)) hit++;
  }
  return asked > 0 && hit / asked > share / 3;
}

function evidenceOf(subject: Case, connection: Connection, symptom: Symptom): Evidence {
  const verdict = subject.mainReset(connection);
  const back = subject.back(connection);
  if (symptom === "reset after the handshake" && verdict) {
    return subject.evidence(verdict.ref, verdict.event.frame, symptom);
  }
  const frame = symptom === "repeated SYN-ACK" ? back.down.synFrame : back.up.synFrame;
  return subject.evidence(connection.back, frame, `${symptom}: ${connectionName(connection)}`);
}

function connectionName(connection: Connection): string {
  return `c${connection.id}`;
}
