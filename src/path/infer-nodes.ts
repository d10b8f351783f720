import { addressText } from "../topology/address.ts";
import type { Topology, TopologyNode } from "../topology/topology.ts";
import type { NodeRole } from "../topology/vocabulary.ts";
import type { Connected } from "./connect.ts";
import { macText } from "./endpoints.ts";
import { type Mac, macHigh, macLow } from "./macs.ts";
import type { NodeEvidence } from "./node-evidence.ts";
import { roleHint } from "./role-hint.ts";

/** A box on the way, seen by a capture of its own or by its MACs and addresses. */
export interface InferredNode {
  name: string;
  role: NodeRole;
  addresses: string[];
  macs: string[];
  observationPoints: string[];
}

/** The nodes of a run, and whose a MAC or an address is. */
export interface InferredNodes {
  list: InferredNode[];
  byMac: ReadonlyMap<Mac, InferredNode>;
}

/** Of a node that speaks for many (a client's NAT, an address pool), the first addresses. */
const MAX_ADDRESSES = 32;
/** Share of its sightings that has to say whose a MAC is. */
const OWNER_SHARE = 0.8;
/**
 * Share of what it saw below which a node that is called otherwise is no balancer: packets that leak untranslated, or
 * go round in circles, pass clients and backends as if they were.
 */
const BALANCER_SHARE = 0.2;
/** Sample frames of a point from which its own MAC may be told. */
const MIN_FRAMES = 3;

interface Draft {
  name: string | null;
  macs: Set<Mac>;
  points: Set<string>;
}

/** Puts the evidence together: which MACs are one box, what it is called, what it does. */
export function inferNodes(
  connected: Connected,
  evidence: NodeEvidence,
  roleOfAddress: ReadonlyMap<number, NodeRole>,
  given: Topology | null,
): InferredNodes {
  const drafts = new Map<string, Draft>();
  for (const { name, nodeName } of connected.set.points) {
    const draft = drafts.get(nodeName) ?? { name: nodeName, macs: new Set(), points: new Set() };
    draft.points.add(name);
    drafts.set(nodeName, draft);
  }
  const byMac = new Map<Mac, Draft>();
  for (const [mac, votes] of evidence.owners) {
    const node = winner(connected, evidence, mac, votes);
    const draft = node === null ? undefined : drafts.get(node);
    if (!draft) continue;
    draft.macs.add(mac);
    byMac.set(mac, draft);
  }
  ownFromPoints(connected, evidence, drafts, byMac);
  const anonymous = new Set<Draft>();
  const draftOf = (mac: Mac): Draft => {
    let draft = byMac.get(mac);
    if (!draft) {
      draft = { name: null, macs: new Set([mac]), points: new Set() };
      byMac.set(mac, draft);
      anonymous.add(draft);
    }
    return draft;
  };
  for (const macs of [evidence.balancers.keys(), evidence.routers, evidence.backends.keys()]) {
    for (const mac of macs) draftOf(mac);
  }
  for (const [a, b] of evidence.sameBox) unite(draftOf(a), draftOf(b), byMac, anonymous);
  const list: InferredNode[] = [];
  const nodes = new Map<Draft, InferredNode>();
  const known = given?.nodes ?? [];
  for (const draft of [...drafts.values(), ...anonymous]) {
    const node = nodeOf(connected, draft, evidence, roleOfAddress, known);
    nodes.set(draft, node);
    const same = list.find((other) => other.name === node.name);
    if (same) absorb(same, node);
    else list.push(node);
    if (same) nodes.set(draft, same);
  }
  for (const node of known) if (!list.some(({ name }) => name === node.name)) list.push(structuredClone(node));
  return { list, byMac: new Map([...byMac].map(([mac, draft]) => [mac, nodes.get(draft)!])) };
}

/**
 * The interfaces of nodes whose place on the way does not tell: every frame at an interface has its own MAC. Where two
 * MACs are in all of them, the one that is another node's is out; else the name of the host says which of both it is.
 */
function ownFromPoints(
  { set }: Connected,
  evidence: NodeEvidence,
  drafts: ReadonlyMap<string, Draft>,
  byMac: Map<Mac, Draft>,
): void {
  for (const [point, { frames, macs }] of evidence.macsAt) {
    const { nodeName } = set.points[point]!;
    const draft = drafts.get(nodeName);
    const always = [...macs].filter(([, count]) => count === frames).map(([mac]) => mac);
    if (!draft || frames < MIN_FRAMES || always.some((mac) => draft.macs.has(mac))) continue;
    const free = always.filter((mac) => !byMac.has(mac));
    const hint = roleHint(nodeName);
    const fitting = free.filter((mac) => hint !== null && roleOfMac(mac, evidence) === hint);
    const only = free.length === 1 ? free[0] : fitting.length === 1 ? fitting[0] : undefined;
    const role = only === undefined ? null : roleOfMac(only, evidence);
    const own = role === null || hint === null || role === hint ? only : undefined;
    if (own === undefined) continue;
    draft.macs.add(own);
    byMac.set(own, draft);
  }
}

function roleOfMac(mac: Mac, { balancers, routers, backends, clients }: NodeEvidence): NodeRole | null {
  if (balancers.has(mac)) return "lb";
  if (backends.has(mac)) return "backend";
  if (routers.has(mac)) return "router";
  return clients.has(mac) ? "client" : null;
}

/**
 * The node that nearly all sightings name; a virtual MAC moves between nodes and is no one's. A point that sees frames
 * for others (a flooding switch, a mirror) has a say only where none speaks that does not: its own MAC would be in all
 * of them.
 */
function winner(
  { set }: Connected,
  evidence: NodeEvidence,
  mac: Mac,
  votes: ReadonlyMap<number, number>,
): string | null {
  const isInAll = (point: number) => {
    const seen = evidence.macsAt.get(point);
    return !seen || (seen.macs.get(mac) ?? 0) >= seen.frames * OWNER_SHARE;
  };
  const trusted = [...votes].filter(([point]) => isInAll(point));
  const byNode = new Map<string, number>();
  let all = 0;
  for (const [point, count] of trusted.length > 0 ? trusted : votes) {
    const { nodeName } = set.points[point]!;
    byNode.set(nodeName, (byNode.get(nodeName) ?? 0) + count);
    all += count;
  }
  for (const [node, count] of byNode) {
    if (count < all * OWNER_SHARE) continue;
    const role = roleOfMac(mac, evidence);
    return trusted.length > 0 || role === null || role === roleHint(node) ? node : null;
  }
  return null;
}

function unite(a: Draft, b: Draft, byMac: Map<Mac, Draft>, anonymous: Set<Draft>): void {
  if (a === b || (a.name !== null && b.name !== null)) return;
  const [kept, gone] = a.name !== null ? [a, b] : [b, a];
  for (const mac of gone.macs) {
    kept.macs.add(mac);
    byMac.set(mac, kept);
  }
  anonymous.delete(gone);
}

function nodeOf(
  { endpoints }: Connected,
  { name, macs, points }: Draft,
  evidence: NodeEvidence,
  roleOfAddress: ReadonlyMap<number, NodeRole>,
  known: readonly TopologyNode[],
): InferredNode {
  const numbers = new Set([...macs].flatMap((mac) => [...(evidence.addresses.get(mac) ?? [])]));
  const addresses = [...numbers].slice(0, MAX_ADDRESSES).map((address) => addressText(endpoints.address(address)));
  const macTexts = [...macs].map((mac) => macText(macHigh(mac), macLow(mac)));
  const node: InferredNode = {
    name: name ?? addresses[0] ?? macTexts[0] ?? "unknown",
    role: roleOf(name, macs, numbers, evidence, roleOfAddress),
    addresses: addresses.sort(),
    macs: macTexts.sort(),
    observationPoints: [...points].sort(),
  };
  const entry = known.find(
    (one) =>
      one.name === name ||
      one.addresses.some((address) => addresses.includes(address)) ||
      one.macs.some((mac) => macTexts.includes(mac)) ||
      one.observationPoints.some((point) => points.has(point)),
  );
  if (!entry) return node;
  const named = { ...node, name: entry.name, role: entry.role === "unknown" ? node.role : entry.role };
  absorb(named, entry);
  return named;
}

/** A balancer also forwards, and a backend may be a client: the most telling role stands. */
function roleOf(
  name: string | null,
  macs: ReadonlySet<Mac>,
  addresses: ReadonlySet<number>,
  evidence: NodeEvidence,
  roleOfAddress: ReadonlyMap<number, NodeRole>,
): NodeRole {
  const total = (counts: ReadonlyMap<Mac, number>) => [...macs].reduce((sum, mac) => sum + (counts.get(mac) ?? 0), 0);
  const hasAny = (set: ReadonlySet<Mac>) => [...macs].some((mac) => set.has(mac));
  const hasRole = (role: NodeRole) => [...addresses].some((address) => roleOfAddress.get(address) === role);
  const asBalancer = total(evidence.balancers) + (name === null ? 0 : (evidence.balancerNodes.get(name) ?? 0));
  const asBackend = total(evidence.backends);
  const hint = name === null ? null : roleHint(name);
  const seen = name === null ? 0 : (evidence.seenBy.get(name) ?? 0);
  const isStray = hint !== null && hint !== "lb" && asBalancer < seen * BALANCER_SHARE;
  if ((asBalancer > asBackend && !isStray) || hasRole("lb")) return "lb";
  if (asBackend > 0 || hasRole("backend")) return "backend";
  if ((name !== null && evidence.routerNodes.has(name)) || hasAny(evidence.routers)) return "router";
  if (hasRole("client") || hasAny(evidence.clients)) return "client";
  return hint ?? "unknown";
}

function absorb(node: InferredNode, more: TopologyNode): void {
  const union = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])].sort();
  node.addresses = union(node.addresses, more.addresses);
  node.macs = union(node.macs, more.macs);
  node.observationPoints = union(node.observationPoints, more.observationPoints);
}
