import { skewOf } from "../balance/skew.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Evidence, Finding } from "./finding.ts";
import { membershipsOf } from "./members.ts";
import type { Membership } from "./membership.ts";

/** Flows of a branch that all go to one of several members: two equal members would do that once in 2^20. */
const MIN_BRANCH_FLOWS = 20;

/**
 * `ecmp.skew` and `ecmp.polarization`: members of a tier get uneven numbers of new flows. Flows are counted, never
 * packets.
 */
export const ecmpShares: Detector = {
  ids: ["ecmp.skew", "ecmp.polarization"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.connections.length < MIN_BRANCH_FLOWS) continue;
      const memberships = membershipsOf(subject, group);
      const polarized = polarizationOf(subject, group, memberships);
      if (polarized) findings.push(polarized);
      for (const membership of memberships) {
        const skew = tierSkew(subject, group, membership);
        if (!skew) continue;
        findings.push(skew);
        break;
      }
    }
    return findings;
  },
};

function tierSkew(subject: Case, group: VipGroup, membership: Membership): Finding | null {
  if (isBySource(subject, membership)) return null;
  const given = [...membership.memberOf]
    .map(([connection, member]) => ({ connection, member, start: connection.start }))
    .sort((a, b) => a.start - b.start);
  const skew = skewOf(given, subject.threshold("ecmp.skew", "maxOverMean"));
  if (!skew) return null;
  const { total, maxOverExpected, pValue } = skew.statistics;
  const busiest = skew.worst;
  const most = skew.counts[skew.members.indexOf(busiest)]!;
  const members = skew.members.length;
  const name = (key: string) => membership.names.get(key) ?? key;
  const shares = skew.members
    .map((key, i) => ({ key, flows: skew.counts[i]! }))
    .sort((a, b) => b.flows - a.flows)
    .map(({ key, flows }) => `${name(key)} ${percent(flows, total)}`);
  const vip = subject.text(group.vip);
  const ofBusiest = skew.flows.flatMap(({ connection, member }) => (member === busiest ? [connection] : []));
  return {
    id: "ecmp.skew",
    severity: "warning",
    confidence: confidenceFrom(total / 20, 0.95),
    title: `${name(busiest)} gets ${percent(most, total)} of the new flows of ${vip}, ${maxOverExpected.toFixed(1)} times its share of ${members} members`,
    explanation: `Of ${count(total, "new flow")} ${shares.join(", ")}; even shares would be ${percent(1, members)} each (chance of this: ${pValue < 1e-12 ? "below 1e-12" : pValue.toExponential(0)}). The flows differ enough in address and port for a hash to spread them, so the choice itself is uneven.`,
    where: { vip, member: name(busiest) },
    window: { from: skew.flows[0]!.start, to: skew.flows.at(-1)!.start },
    measured: {
      newFlows: total,
      members,
      maxOverMean: maxOverExpected,
      jain: skew.statistics.jain,
      chiSquare: skew.statistics.chiSquare,
      pValue,
      seenAt: membership.point,
    },
    connections: ofBusiest.map((connection) => connection.id),
    evidence: ofBusiest
      .slice(0, 2)
      .map((connection) => flowEvidence(subject, connection, `a flow given to ${name(busiest)}`)),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==0 && ${endpointFilter(subject, group.vip, "dst")}`,
    remedy: [
      "ip route show VIP / ip nexthop show: are the weights meant to be equal, is a next hop listed twice or missing?",
      "net.ipv4.fib_multipath_hash_policy=1 (or 3 with fib_multipath_hash_fields=0x37), so that ports take part in the hash",
    ],
  };
}

/** Hashing by address only is another finding (balance.source-skew): each client always meets the same member. */
function isBySource(subject: Case, membership: Membership): boolean {
  const { endpoints } = subject.connected;
  const memberOfClient = new Map<number, { member: string; flows: number; isPure: boolean }>();
  for (const [connection, member] of membership.memberOf) {
    const client = endpoints.withPort(connection.client, 0);
    const known = memberOfClient.get(client);
    if (!known) memberOfClient.set(client, { member, flows: 1, isPure: true });
    else {
      known.flows++;
      if (known.member !== member) known.isPure = false;
    }
  }
  const busy = [...memberOfClient.values()].filter(({ flows }) => flows >= 4);
  return busy.length >= 3 && busy.every(({ isPure }) => isPure);
}

function flowEvidence(subject: Case, connection: Connection, note: string): Evidence {
  return subject.evidence(connection.front, subject.front(connection).firstFrame, note);
}

/**
 * Two tiers that hash alike: each router of the second tier is only given flows for which it then makes the same
 * choice, so some members stay without any. Shown by captured nodes that hear the same router as a busy sibling, and
 * get none of the flows, on more than one branch.
 */
function polarizationOf(subject: Case, group: VipGroup, memberships: readonly Membership[]): Finding | null {
  const { set } = subject.connected;
  // Two branches with a busy and an idle member each are four nodes at least.
  if (new Set(set.points.map((point) => point.nodeName)).size < 4) return null;
  const flows = new Map<string, Connection[]>();
  for (const connection of group.connections) {
    const nodes = new Set(connection.legs.map((ref) => subject.nodeOf(ref)));
    for (const node of nodes) {
      const list = flows.get(node);
      if (list) list.push(connection);
      else flows.set(node, [connection]);
    }
  }
  const idle = set.points.map((point) => point.nodeName).filter((node) => !flows.has(node));
  if (idle.length === 0) return null;
  const heard = broadcastsByNode(subject);
  const branches: { busy: string; idle: string[]; connections: Connection[] }[] = [];
  for (const [node, connections] of flows) {
    if (connections.length < MIN_BRANCH_FLOWS) continue;
    // A node that many others' flows pass as well is a router, not a member.
    if (connections.length > group.connections.length * 0.9) continue;
    const silent = [...new Set(idle)].filter((other) => sharesRouter(heard.get(node), heard.get(other)));
    const busySiblings = [...flows.keys()].filter(
      (other) =>
        other !== node &&
        sharesRouter(heard.get(node), heard.get(other)) &&
        flows.get(other)!.length < group.connections.length * 0.9,
    );
    if (silent.length > 0 && busySiblings.length === 0) branches.push({ busy: node, idle: silent, connections });
  }
  if (branches.length < 2) return null;
  const used = branches.map((branch) => branch.busy);
  const unused = [...new Set(branches.flatMap((branch) => branch.idle))];
  const tier = memberships.find(
    (membership) => membership.kind === "mac" && new Set(membership.memberOf.values()).size >= 2,
  );
  const vip = subject.text(group.vip);
  const total = branches.reduce((sum, branch) => sum + branch.connections.length, 0);
  return {
    id: "ecmp.polarization",
    severity: "warning",
    confidence: confidenceFrom(total / 20, tier ? 0.95 : 0.85),
    title: `two ECMP tiers hash alike: only ${used.join(" and ")} of ${used.length + unused.length} members get flows of ${vip}`,
    explanation: `${branches.map((branch) => `${branch.busy} got all ${branch.connections.length} flows of its branch, ${branch.idle.join(", ")} none`).join("; ")}. With independent hashes that would not happen once in ${branches.map((branch) => `2^${branch.connections.length}`).join(" × ")} times${tier ? `, while the first tier spreads evenly over ${new Set(tier.memberOf.values()).size}` : ""}: the routers of both tiers use the same fields and the same seed, so the second choice is decided by the first.`,
    where: { vip, member: unused.sort().join(", ") },
    window: { from: branches[0]!.connections[0]!.start, to: subject.end },
    measured: { flows: total, membersUsed: used.length, membersUnused: unused.length },
    connections: branches.flatMap((branch) => branch.connections.map((connection) => connection.id)),
    evidence: branches.map((branch) =>
      flowEvidence(
        subject,
        branch.connections[0]!,
        `one of ${branch.connections.length} flows given to ${branch.busy}`,
      ),
    ),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==0 && ${endpointFilter(subject, group.vip, "dst")}`,
    remedy: [
      "give each tier another seed (sysctl net.ipv4.fib_multipath_hash_seed=…; on switches `hash seed` / `ecmp hash offset`)",
      "or other fields: 5-tuple in one tier, addresses only in the other",
    ],
  };
}

/** Broadcasts that each node heard: ARP requests by sender and target. */
function broadcastsByNode(subject: Case): Map<string, Set<string>> {
  const { set } = subject.connected;
  const heard = new Map<string, Set<string>>();
  for (const track of set.tracks) {
    for (const message of track.tracker.neighbourhood.messages) {
      if (message.operation !== 1) continue;
      const node = set.points[track.points[message.point]!]!.nodeName;
      const keys = heard.get(node) ?? new Set();
      keys.add(message.senderMac.join());
      heard.set(node, keys);
    }
  }
  return heard;
}

function sharesRouter(a: ReadonlySet<string> | undefined, b: ReadonlySet<string> | undefined): boolean {
  if (!a || !b) return false;
  for (const key of a) if (b.has(key)) return true;
  return false;
}
