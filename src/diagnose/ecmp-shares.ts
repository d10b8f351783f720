import { skewOf } from "../balance/skew.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import { polarizedBranches } from "./ecmp-branches.ts";
import { polarizedMesh } from "./ecmp-mesh.ts";
import type { Finding } from "./finding.ts";
import { membershipsOf } from "./members.ts";
import type { Membership } from "./membership.ts";

/** Fewer flows than this tell of no member. */
const MIN_FLOWS = 20;

/**
 * `ecmp.skew` and `ecmp.polarization`: members of a tier get uneven numbers of new flows. Flows are counted, never
 * packets.
 */
export const ecmpShares: Detector = {
  ids: ["ecmp.skew", "ecmp.polarization"],
  find(subject) {
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      if (group.connections.length < MIN_FLOWS) continue;
      const memberships = membershipsOf(subject, group);
      const polarized = polarizedMesh(subject, group) ?? polarizedBranches(subject, group, memberships);
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
      .map((connection) => subject.frontEvidence(connection, `a flow given to ${name(busiest)}`)),
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
