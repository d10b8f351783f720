import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom } from "./confidence.ts";
import { POLARIZATION_REMEDY } from "./ecmp-mesh.ts";
import type { Finding } from "./finding.ts";
import type { Membership } from "./membership.ts";

/** Flows of a branch that all go to one of several members: two equal members would do that once in 2^20. */
const MIN_BRANCH_FLOWS = 20;

/**
 * Two tiers that hash alike: each router of the second tier is only given flows for which it then makes the same
 * choice, so some members stay without any. Shown by captured nodes that hear the same router as a busy sibling, and
 * get none of the flows, on more than one branch.
 */
export function polarizedBranches(subject: Case, group: VipGroup, memberships: readonly Membership[]): Finding | null {
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
      subject.frontEvidence(
        branch.connections[0]!,
        `one of ${branch.connections.length} flows given to ${branch.busy}`,
      ),
    ),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==0 && ${endpointFilter(subject, group.vip, "dst")}`,
    remedy: [...POLARIZATION_REMEDY],
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
