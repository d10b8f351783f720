import type { Scheduler } from "../balance/scheduler.ts";
import { type ShareStatistics, shareStatistics } from "../balance/shares.ts";
import { skewOf } from "../balance/skew.ts";
import type { Connection } from "../path/connection.ts";
import { addressText } from "../topology/address.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { choicesOf, weightsOf } from "./choices.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

/** Connections whose largest share is below this over an even one are even, and those that chance makes as uneven. */
const EVEN = 1.4;
const EVEN_P = 0.01;
/** Clients that are called few, and the share of the connections that they carry at least. */
const FEW_CLIENTS = 3;
const FEW_CLIENTS_SHARE = 0.25;
/** Connections that carry the load by being there all along: most of the run, and many messages each way. */
const LONG_LIVED_SHARE = 0.5;
const MIN_MESSAGES = 50;

/** `balance.*`: how the connections of a VIP, and what they carry, are shared among its backends. */
export const balance: Detector = {
  ids: ["balance.backend-skew", "balance.source-skew", "balance.load-skew"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.byBackend.size < 2) continue;
      const { scheduler } = choicesOf(subject, group);
      const given = givenFlows(group);
      const skew =
        scheduler.name === "source" ? sourceSkew(subject, group, given) : backendSkew(subject, group, given, scheduler);
      if (skew) findings.push(skew);
      else {
        const load = loadSkew(subject, group);
        if (load) findings.push(load);
      }
    }
    return findings;
  },
};

/** The choices of a VIP's balancers that are known, by start time. */
function givenFlows(group: VipGroup): GivenBackend[] {
  return group.connections.flatMap((connection) =>
    connection.backend === null ? [] : [{ connection, member: connection.backend, start: connection.start }],
  );
}

interface GivenBackend {
  connection: Connection;
  member: number;
  start: number;
}

function backendSkew(
  subject: Case,
  group: VipGroup,
  given: readonly GivenBackend[],
  scheduler: Scheduler,
): Finding | null {
  // Least connections gives a slow backend less on purpose.
  if (scheduler.name === "lc" || scheduler.name === "rr") return null;
  // A steady cycle follows weights: whether they are meant nobody can tell from packets.
  const isWeighted = scheduler.name === "wrr";
  const all = [...group.byBackend.keys()];
  const weights = weightsOf(subject, group, all);
  const excess = subject.threshold("balance.backend-skew", "maxOverExpected");
  const skew = skewOf(given, excess, weights && ((backend) => weights[all.indexOf(backend)]!));
  if (!skew) return null;
  const { statistics, members: backends, counts, worst } = skew;
  const connections = skew.flows.map(({ connection }) => connection);
  const name = subject.text(worst);
  const vip = subject.text(group.vip);
  const own = connections.filter(({ backend }) => backend === worst);
  return {
    id: "balance.backend-skew",
    severity: "warning",
    confidence: confidenceFrom(statistics.total / 20, isWeighted && !weights ? 0.6 : 0.95),
    title: `${name} gets ${percent(counts[statistics.worst]!, statistics.total)} of the new connections of ${vip}, ${statistics.maxOverExpected.toFixed(1)} times ${weights ? "what its weight says" : "an even share"}`,
    explanation: `Of ${count(statistics.total, "new connection")} ${sharesText(subject, backends, counts)}. ${weights ? `Their weights are ${backends.map((backend) => weights[all.indexOf(backend)]).join(":")}` : `Even shares would be ${percent(1, backends.length)}`}; chance of this: ${pText(statistics.pValue)}. ${weightNote(weights !== undefined, isWeighted)}`,
    where: { vip, backend: name },
    window: windowOf(connections, subject),
    measured: { ...measured(statistics), backends: backends.length },
    connections: own.map(({ id }) => id),
    evidence: own
      .slice(0, 2)
      .map((connection) =>
        subject.evidence(connection.front, subject.front(connection).firstFrame, `a connection given to ${name}`),
      ),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==0 && ${endpointFilter(subject, worst, "dst")}`,
    remedy: [
      "compare the weights: ipvsadm -Ln, HAProxy `show servers state`, nft list map; a backend listed twice counts twice",
      "a small hash table or few buckets give uneven shares: Maglev with a table of 65537, IPVS mh, `hash-type consistent` with a higher weight",
    ],
  };
}

function weightNote(isKnown: boolean, isWeighted: boolean): string {
  if (isKnown) return "The weights are the topology's.";
  if (!isWeighted) return "No weights are known here: where they are meant to differ, give them in a topology file.";
  return "They come in a steady cycle, as weights make it: if these weights are meant, give them in a topology file, and this is silent.";
}

function sourceSkew(subject: Case, group: VipGroup, given: readonly GivenBackend[]): Finding | null {
  const skew = skewOf(given, subject.threshold("balance.source-skew", "maxOverExpected"));
  if (!skew) return null;
  const { statistics, members: backends, counts, worst } = skew;
  const connections = skew.flows.map(({ connection }) => connection);
  const { endpoints } = subject.connected;
  const bySource = new Map<number, number>();
  for (const { client } of connections) {
    const address = endpoints.withPort(client, 0);
    bySource.set(address, (bySource.get(address) ?? 0) + 1);
  }
  const top = [...bySource].sort((a, b) => b[1] - a[1]).slice(0, FEW_CLIENTS);
  const topShare = top.reduce((sum, [, flows]) => sum + flows, 0);
  if (topShare < statistics.total * FEW_CLIENTS_SHARE) return null;
  const vip = subject.text(group.vip);
  const names = top.map(
    ([address, flows]) => `${addressText(endpoints.address(address))} ${percent(flows, statistics.total)}`,
  );
  const own = connections.filter(({ backend }) => backend === worst);
  return {
    id: "balance.source-skew",
    severity: "warning",
    confidence: confidenceFrom(statistics.total / 20, 0.95),
    title: `${vip} is balanced by client address, and ${count(top.length, "client")} carry ${percent(topShare, statistics.total)} of the connections: ${subject.text(worst)} gets ${percent(counts[statistics.worst]!, statistics.total)}`,
    explanation: `Every client address always meets the same backend, and the clients are unequal (${names.join(", ")}), so the backends are, too: ${sharesText(subject, backends, counts)}. A hash over address and port would give each about ${percent(1, backends.length)} of these same ${statistics.total} connections.`,
    where: { vip, backend: subject.text(worst) },
    window: windowOf(connections, subject),
    measured: { ...measured(statistics), clients: bySource.size, topClientsShare: topShare / statistics.total },
    connections: own.map(({ id }) => id),
    evidence: own
      .slice(0, 2)
      .map((connection) =>
        subject.evidence(connection.front, subject.front(connection).firstFrame, "a connection of the busiest backend"),
      ),
    displayFilter: top.map(([address]) => `ip.src==${addressText(endpoints.address(address))}`).join(" || "),
    remedy: [
      "hash over address and port where sessions need no affinity: IPVS `sh` with sh-port (ipvsadm -s sh -b sh-port) or `mh` with mh-port, HAProxy `balance hash src,src_port` or leastconn",
      "a NAT or proxy in front of many users is one address: give it several, or use PROXY protocol and balance by the real client",
    ],
  };
}

interface Load {
  bytes: number;
  packets: number;
}

/** Connections are even, what they carry is not: a few that live long and carry much. */
function loadSkew(subject: Case, group: VipGroup): Finding | null {
  const backends = [...group.byBackend.keys()];
  const flows = shareStatistics(backends.map((backend) => group.byBackend.get(backend)!.length));
  if (flows.maxOverExpected > EVEN && flows.pValue < EVEN_P) return null;
  // A few connections that live long carry such a load: without any there is none.
  if (!group.connections.some((connection) => isLong(subject, connection))) return null;
  const loads = new Map<Connection, Load>();
  for (const connection of group.connections)
    if (connection.backend !== null) loads.set(connection, loadOf(subject, connection));
  const total = (backend: number, of: keyof Load) =>
    group.byBackend.get(backend)!.reduce((sum, connection) => sum + loads.get(connection)![of], 0);
  const packets = shareStatistics(backends.map((backend) => total(backend, "packets")));
  const bytes = shareStatistics(backends.map((backend) => total(backend, "bytes")));
  const excess = subject.threshold("balance.load-skew", "maxOverMean");
  if (packets.maxOverExpected < excess || bytes.maxOverExpected < excess) return null;
  const worst = backends[packets.worst]!;
  const ownFlows = (group.byBackend.get(worst)!.length * backends.length) / flows.total;
  // What follows from the numbers of connections is not their load.
  if (packets.maxOverExpected < EVEN * ownFlows) return null;
  const heavy = group.byBackend
    .get(worst)!
    .filter((connection) => isLongLived(subject, connection))
    .sort((a, b) => loads.get(b)!.packets - loads.get(a)!.packets)
    .slice(0, 5);
  const carried = heavy.reduce((sum, connection) => sum + loads.get(connection)!.packets, 0);
  if (heavy.length === 0 || carried < packets.total * 0.3) return null;
  const vip = subject.text(group.vip);
  const name = subject.text(worst);
  return {
    id: "balance.load-skew",
    severity: "warning",
    confidence: confidenceFrom(backends.length, 0.9),
    title: `connections of ${vip} are even, their load is not: ${name} carries ${percent(total(worst, "packets"), packets.total)} of the packets`,
    explanation: `Each of ${count(backends.length, "backend")} has about ${percent(1, backends.length)} of the connections, but ${name} carries ${percent(total(worst, "packets"), packets.total)} of the packets and ${percent(total(worst, "bytes"), bytes.total)} of the bytes: ${count(heavy.length, "connection")} that live through the whole capture carry ${percent(carried, packets.total)} of everything. Balancing once per connection cannot even that out (gRPC, HTTP/2, message queues, database pools).`,
    where: { vip, backend: name },
    window: { from: subject.start, to: subject.end },
    measured: {
      packetsMaxOverMean: packets.maxOverExpected,
      bytesMaxOverMean: bytes.maxOverExpected,
      connectionsMaxOverMean: flows.maxOverExpected,
      heavyConnections: heavy.length,
      heavyPacketShare: carried / packets.total,
    },
    connections: heavy.map(({ id }) => id),
    evidence: heavy.map((connection) =>
      subject.evidence(
        connection.front,
        subject.front(connection).firstFrame,
        `c${connection.id} carries ${percent(loads.get(connection)!.packets, packets.total)}`,
      ),
    ),
    displayFilter: heavy.map((connection) => `(${subject.filterOf(connection)})`).join(" || "),
    remedy: [
      "let clients open more connections, or close them from time to time (gRPC max_connection_age, HTTP/2 GOAWAY, pool max lifetime), so that new ones are balanced",
      "balance requests instead of connections: a layer-7 proxy, or client-side balancing",
    ],
  };
}

/** What the leg nearest to the backend carried. */
function loadOf(subject: Case, connection: Connection): Load {
  const { up, down } = subject.back(connection);
  return {
    bytes: up.payloadBytes + down.payloadBytes,
    packets: up.packets - up.copies + down.packets - down.copies,
  };
}

function isLong(subject: Case, { start, end }: Connection): boolean {
  return end - start >= (subject.end - subject.start) * LONG_LIVED_SHARE;
}

/** There for most of the run, and many messages in both directions: not one large download. */
function isLongLived(subject: Case, connection: Connection): boolean {
  if (!isLong(subject, connection)) return false;
  return connection.legs.some((ref) => {
    const { up, down } = subject.leg(ref);
    return up.packets >= MIN_MESSAGES && down.packets >= MIN_MESSAGES && up.payloadBytes > 0 && down.payloadBytes > 0;
  });
}

function sharesText(subject: Case, backends: readonly number[], counts: readonly number[]): string {
  const total = counts.reduce((sum, one) => sum + one, 0);
  return backends
    .map((backend, i) => ({ backend, flows: counts[i]! }))
    .sort((a, b) => b.flows - a.flows)
    .slice(0, 6)
    .map(({ backend, flows }) => `${subject.text(backend)} ${percent(flows, total)}`)
    .join(", ");
}

function measured(statistics: ShareStatistics): Record<string, number> {
  return {
    newConnections: statistics.total,
    maxOverExpected: statistics.maxOverExpected,
    coefficientOfVariation: statistics.coefficientOfVariation,
    jain: statistics.jain,
    chiSquare: statistics.chiSquare,
    pValue: statistics.pValue,
  };
}

function windowOf(connections: readonly Connection[], subject: Case): { from: number; to: number } {
  return { from: connections[0]?.start ?? subject.start, to: connections.at(-1)?.start ?? subject.end };
}

function pText(p: number): string {
  return p < 1e-12 ? "below 1e-12" : p.toExponential(0);
}
