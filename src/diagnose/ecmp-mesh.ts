import { type RouterChoices, routerChoices } from "../balance/two-tiers.ts";
import type { Connection } from "../path/connection.ts";
import { endpointFilter } from "./backend-refusing.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, percent } from "./confidence.ts";
import type { Finding } from "./finding.ts";
import { type MeshOfTiers, meshesOf } from "./last-hops.ts";
import { macNames } from "./members.ts";
import { isChoiceOfBackend } from "./members-by-path.ts";

/** Chance of what is called dependent, over all routers of the tier. */
const MAX_P = 1e-4;
/**
 * Share of the flows that idle members should have got: with two routers in the tier a third and more, of all routers
 * and of each, which is less where a router gets most of the flows anyway.
 */
const MIN_IDLE_SHARE = 0.2;
const MIN_IDLE_SHARE_OF_EACH = 0.1;
/** Weak dependence that many flows make certain is no polarization. */
const MIN_V = 0.25;
/** Flows of a client that tell whether it always comes by the same router. */
const MIN_CLIENT_FLOWS = 4;
/** Share of those clients that must come by several: else the router is their place, nobody's choice. */
const MIN_ROAMING = 0.5;

/** What to do about two tiers that hash alike. */
export const POLARIZATION_REMEDY: readonly string[] = [
  "give each tier another seed (sysctl net.ipv4.fib_multipath_hash_seed=…; on switches `hash seed` / `ecmp hash offset`)",
  "or other fields: 5-tuple in one tier, addresses only in the other",
];

/**
 * Two tiers in a full mesh that hash alike: which member a flow gets is decided by which router it came to. Each router
 * leaves other members idle, which may well be even when all routers are taken together.
 */
export function polarizedMesh(subject: Case, group: VipGroup): Finding | null {
  for (const mesh of meshesOf(subject, group)) {
    if (isChoiceOfBackend({ memberOf: new Map([...mesh.hops].map(([one, { member }]) => [one, String(member)])) }))
      continue;
    if (!isChosen(subject, mesh)) continue;
    const { endpoints } = subject.connected;
    const choices = routerChoices(
      [...mesh.hops].map(([{ client, start }, { router, member }]) => ({
        router: String(router),
        member: String(member),
        client: endpoints.withPort(client, 0),
        start,
      })),
    );
    const polarized = choices.filter(
      ({ idleShare, cramersV, pValue }) => idleShare >= MIN_IDLE_SHARE_OF_EACH && cramersV >= MIN_V && pValue < MAX_P,
    );
    // One router that lacks a member has lost a next hop.
    if (new Set(polarized.map(({ idle }) => idle.toSorted().join())).size < 2) continue;
    if (idleShareOf(polarized) >= MIN_IDLE_SHARE) return findingOf(subject, group, mesh, polarized);
  }
  return null;
}

/** Flows of one client come by several routers: somebody chooses among them for each flow. */
function isChosen(subject: Case, { hops }: MeshOfTiers): boolean {
  const { endpoints } = subject.connected;
  const clients = new Map<number, { flows: number; routers: Set<number> }>();
  for (const [connection, { router }] of hops) {
    const address = endpoints.withPort(connection.client, 0);
    const known = clients.get(address) ?? { flows: 0, routers: new Set() };
    known.flows++;
    known.routers.add(router);
    clients.set(address, known);
  }
  const telling = [...clients.values()].filter(({ flows }) => flows >= MIN_CLIENT_FLOWS);
  const roaming = telling.filter(({ routers }) => routers.size >= 2);
  return telling.length > 0 && roaming.length >= telling.length * MIN_ROAMING;
}

function findingOf(
  subject: Case,
  group: VipGroup,
  { hops }: MeshOfTiers,
  polarized: readonly RouterChoices[],
): Finding {
  const macName = macNames(subject);
  const name = (key: string) => macName(Number(key));
  const namesOf = (keys: readonly string[]) => keys.map(name).sort().join(", ");
  const routers = polarized.toSorted((a, b) => name(a.router).localeCompare(name(b.router)));
  const first = routers[0]!;
  const vip = subject.text(group.vip);
  const flowsOf = (router: string): Connection[] =>
    [...hops].flatMap(([connection, hop]) => (String(hop.router) === router ? [connection] : []));
  const connections = routers.flatMap(({ router }) => flowsOf(router)).sort((a, b) => a.start - b.start);
  const total = connections.length;
  const idleShare = idleShareOf(routers);
  const members = new Set([...hops.values()].map(({ member }) => member)).size;
  const worstP = Math.max(...routers.map(({ pValue }) => pValue));
  const leastV = Math.min(...routers.map(({ cramersV }) => cramersV));
  // Where no two routers share a member, next hops that differ on purpose would look the same.
  const isSplit = sharesNoMember(hops);
  return {
    id: "ecmp.polarization",
    severity: "warning",
    confidence: confidenceFrom(total / 20, isSplit ? 0.8 : 0.95),
    title: `two ECMP tiers hash alike: of the members of ${vip} ${routers.map(({ router, idle }) => `${name(router)} leaves ${namesOf(idle)} idle`).join(", ")}`,
    explanation: `${routers.map((one) => `Of ${count(one.flows, "flow")} that came to ${name(one.router)}, ${namesOf(one.idle)} should have got ${percent(one.idleShare, 1)} and got next to none`).join("; ")}; at the other routers they are busy. With independent hashes every router uses all ${members} members alike (chance of this: ${worstP < 1e-12 ? "below 1e-12" : worstP.toExponential(0)}; Cramér's V ${leastV.toFixed(2)}, where 0 is independent): the tier before and this one use the same fields and the same seed, so the second choice is decided by the first.${isSplit ? " It is only meant to be so if each router was given next hops of its own." : ""}`,
    where: { vip, node: name(first.router), member: namesOf(first.idle) },
    window: { from: connections[0]!.start, to: connections.at(-1)!.start },
    measured: { flows: total, routers: routers.length, members, idleShare, cramersV: leastV, pValue: worstP },
    connections: connections.map(({ id }) => id),
    evidence: routers.map((one) =>
      subject.frontEvidence(
        flowsOf(one.router)[0]!,
        `one of ${one.flows} flows that came to ${name(one.router)}, none of which went to ${namesOf(one.idle)}`,
      ),
    ),
    displayFilter: `tcp.flags.syn==1 && tcp.flags.ack==0 && ${endpointFilter(subject, group.vip, "dst")}`,
    remedy: [
      ...POLARIZATION_REMEDY,
      `ip route show VIP on ${name(first.router)}: is ${namesOf(first.idle)} among the next hops?`,
    ],
  };
}

function idleShareOf(routers: readonly RouterChoices[]): number {
  const flows = routers.reduce((sum, one) => sum + one.flows, 0);
  return routers.reduce((sum, one) => sum + one.idleShare * one.flows, 0) / flows;
}

function sharesNoMember(hops: MeshOfTiers["hops"]): boolean {
  const routerOf = new Map<number, number>();
  for (const { router, member } of hops.values()) {
    const known = routerOf.get(member);
    if (known === undefined) routerOf.set(member, router);
    else if (known !== router) return false;
  }
  return true;
}
