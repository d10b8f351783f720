import { parseEndpoint } from "../topology/address.ts";
import type { Topology, TopologyVip } from "../topology/topology.ts";
import type { ForwardingMode, NodeRole, Scheduler } from "../topology/vocabulary.ts";
import type { ClientNetwork } from "./client-networks.ts";
import type { Connected } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { type InferredNode, type InferredNodes, inferNodes } from "./infer-nodes.ts";
import { isVirtualRouterMac, type Mac } from "./macs.ts";
import { gatherEvidence } from "./node-evidence.ts";
import { unseenMode } from "./unseen-mode.ts";
import { countVips, shownMode, type VipCount } from "./vip-counts.ts";

/** What the traffic shows of the load balancers' set-up, completed by what was given. */
export interface InferredTopology {
  /** The busiest first. */
  vips: InferredVip[];
  /** Balancers, routers, backends and clients, in this order; clients by network. */
  nodes: InferredNode[];
  /** Where the packets and what was given do not agree, a sentence each. The packets are believed. */
  contradictions: string[];
}

export interface InferredVip {
  /** Number of the run's EndpointTable, and of the IP protocol. */
  vip: number;
  protocol: number;
  mode: ForwardingMode | null;
  /** What the mode rests on; null where none is known. */
  modeSource: ModeSource | null;
  /** Replies show that some NAT passed them on, not which: `mode` may still be null. */
  isForwarded: boolean;
  connections: number;
  /** Payload of both directions. */
  bytes: number;
  /** Of its connections, those whose backend nothing shows. */
  unknownBackend: number;
  /** As given; packets are judged elsewhere. */
  scheduler: Scheduler | null;
  /** By endpoint; those that were given and saw no connection are there, too. */
  backends: InferredBackend[];
  clients: ClientNetwork[];
  /** Boxes that pass the clients' packets on to the balancers, tier after tier, and the balancers themselves. */
  routers: InferredNode[][];
  balancers: { node: InferredNode; connections: number }[];
}

/** Packets on both sides of the balancer, the replies alone, a balancer's own table, or the set-up as given. */
export type ModeSource = "packets" | "replies" | "imported" | "given";

export interface InferredBackend {
  /** Number of the run's EndpointTable: an endpoint or a MAC. */
  backend: number;
  connections: number;
  bytes: number;
  /** Of the connections whose backend is known; 0 where there are none. */
  share: number;
  /** By the given weights, else the same for all. */
  expectedShare: number;
  /** As given. */
  weight: number | null;
  isBackup: boolean;
}

/** Connections whose way is read for the nodes: evenly from the run, besides one for each backend and member. */
const SAMPLES = 400;
const MAX_SAMPLES = 2000;

/** Reads VIPs, modes, member sets and nodes from joined connections. */
export function inferTopology(connected: Connected, given: Topology | null = null): InferredTopology {
  const { endpoints } = connected;
  const givenVips = new GivenVips(connected, given);
  const counts = countVips(connected, givenVips.endpoints);
  const vipAddresses = new Set<number>();
  const roleOfAddress = new Map<number, NodeRole>();
  for (const node of given?.nodes ?? []) {
    for (const address of node.addresses) {
      const number = givenVips.numberOf(`${address.includes(":") ? `[${address}]` : address}:0`);
      if (number !== null) roleOfAddress.set(number, node.role);
    }
  }
  for (const count of counts) {
    if (shownMode(count) !== null || givenVips.of(count) !== null) vipAddresses.add(endpoints.withPort(count.vip, 0));
  }
  for (const { backends } of counts) {
    for (const backend of backends.keys()) roleOfAddress.set(endpoints.withPort(backend, 0), "backend");
  }
  addVrrpRouters(connected, vipAddresses, roleOfAddress);
  const evidence = gatherEvidence(connected, samplesOf(connected, counts), vipAddresses);
  const owners = ownersOf(connected, vipAddresses);
  const isOwner = (mac: Mac) => owners.has(mac) || evidence.balancers.has(mac) || isVirtualRouterMac(mac);
  const judged = counts.map((count) => ({ count, unseen: unseenMode(count, isOwner) }));
  for (const { count, unseen } of judged) {
    if (!unseen.isForwarded) continue;
    // what takes a VIP's connections and passes its replies on is a balancer, seen from the clients' side
    for (const [mac, { answered }] of count.members) {
      if (answered > 0) evidence.balancers.set(mac, (evidence.balancers.get(mac) ?? 0) + answered);
    }
  }
  const nodes = inferNodes(connected, evidence, roleOfAddress, given);
  const contradictions: string[] = [...connected.contradictions];
  const vips: InferredVip[] = [];
  for (const { count, unseen } of judged) {
    const entry = givenVips.of(count);
    const shown = shownMode(count);
    const isVip = shown !== null || entry !== null || unseen.isForwarded || hasOtherBackend(count);
    if (!isVip || (entry === null && givenVips.isBackend(count.vip))) continue;
    const packets = shown === "forward" ? null : shown;
    const mode = packets ?? unseen.mode ?? entry?.mode ?? null;
    if (packets !== null && count.seenModes > 0 && entry?.mode && entry.mode !== packets) {
      contradictions.push(`${endpoints.text(count.vip)} is given as ${entry.mode}, but its packets show ${packets}`);
    }
    vips.push({
      vip: count.vip,
      protocol: count.protocol,
      mode,
      modeSource: mode === null ? null : sourceOfMode(count, packets !== null, unseen.mode !== null),
      isForwarded: unseen.isForwarded,
      connections: count.connections,
      bytes: count.bytes,
      unknownBackend: count.connections - sum([...count.backends.values()].map(({ connections }) => connections)),
      scheduler: entry?.scheduler ?? null,
      backends: backendsOf(count, entry, givenVips),
      clients: count.clients.networks(),
      routers: routerTiers(evidence.routersOf.get(count.vip), nodes.byMac),
      balancers: balancersOf(count, nodes),
    });
  }
  vips.sort((a, b) => b.connections - a.connections || a.vip - b.vip);
  return { vips, nodes: [...nodes.list.filter(isTold).sort(byRole), ...clientNodes(vips)], contradictions };
}

/** VIPs and backends that were given, by the run's numbers. */
class GivenVips {
  /** Exact ones only: any address or any port would make a VIP of every destination. */
  readonly endpoints = new Set<number>();
  private readonly vips: readonly TopologyVip[];
  private readonly exact = new Map<string, TopologyVip>();
  private readonly backends = new Set<number>();
  private readonly connected: Connected;

  constructor(connected: Connected, given: Topology | null) {
    this.connected = connected;
    this.vips = given?.vips ?? [];
    for (const entry of this.vips) {
      const number = this.numberOf(entry.vip);
      if (number !== null && !isAnyAddress(entry.vip) && connected.endpoints.port(number) !== 0) {
        this.endpoints.add(number);
        this.exact.set(`${entry.protocol} ${number}`, entry);
      }
      for (const { backend } of entry.backends) {
        const endpoint = this.numberOf(backend);
        if (endpoint !== null) this.backends.add(endpoint);
      }
    }
  }

  /** The entry for a destination: its own, else one for any protocol, any port or any address. */
  of({ vip, protocol }: { vip: number; protocol: number }): TopologyVip | null {
    const { endpoints } = this.connected;
    const word = protocol === 17 ? "udp" : "tcp";
    const own = this.exact.get(`${word} ${vip}`) ?? this.exact.get(`null ${vip}`);
    if (own || this.vips.length === 0 || this.backends.has(vip)) return own ?? null;
    const text = endpoints.text(vip);
    const colon = text.lastIndexOf(":");
    const [address, port] = [text.slice(0, colon), text.slice(colon)];
    const isFor = (entry: TopologyVip) => entry.protocol === null || entry.protocol === word;
    const anyPort = this.vips.find((entry) => isFor(entry) && entry.vip === `${address}:0`);
    if (anyPort) return anyPort;
    const anyAddress = `${address.startsWith("[") ? "[::]" : "0.0.0.0"}${port}`;
    return this.vips.find((entry) => isFor(entry) && entry.vip === anyAddress) ?? null;
  }

  isBackend(endpoint: number): boolean {
    return this.backends.has(endpoint);
  }

  numberOf(text: string): number | null {
    const { endpoints } = this.connected;
    const parsed = parseEndpoint(text);
    if (parsed !== null) return endpoints.ofWords(parsed.address, parsed.port);
    const digits = text.replaceAll(":", "");
    if (!/^[\da-f]{12}$/.test(digits)) return null;
    return endpoints.ofMac(Number.parseInt(digits.slice(0, 4), 16), Number.parseInt(digits.slice(4), 16) | 0);
  }
}

function isAnyAddress(vip: string): boolean {
  return vip.startsWith("0.0.0.0:") || vip.startsWith("[::]:");
}

function sourceOfMode(count: VipCount, isShown: boolean, isUnseen: boolean): ModeSource {
  if (isShown && count.seenModes > 0) return "packets";
  if (isShown && count.importedModes > 0) return "imported";
  return isUnseen ? "replies" : "given";
}

function hasOtherBackend({ vip, backends }: VipCount): boolean {
  for (const backend of backends.keys()) if (backend !== vip) return true;
  return false;
}

function backendsOf(count: VipCount, entry: TopologyVip | null, givenVips: GivenVips): InferredBackend[] {
  const weights = new Map<number, { weight: number; isBackup: boolean }>();
  for (const { backend, weight, isBackup } of entry?.backends ?? []) {
    const number = givenVips.numberOf(backend);
    if (number !== null) weights.set(number, { weight, isBackup });
  }
  const numbers = [...new Set([...weights.keys(), ...count.backends.keys()])];
  const known = sum([...count.backends.values()].map(({ connections }) => connections));
  // one that was not given took part all the same: as one of weight 1
  const expected = (number: number) => {
    const set = weights.get(number);
    return set === undefined ? 1 : set.isBackup ? 0 : set.weight;
  };
  const total = sum(numbers.map(expected));
  return numbers
    .map((backend) => {
      const seen = count.backends.get(backend);
      const set = weights.get(backend);
      return {
        backend,
        connections: seen?.connections ?? 0,
        bytes: seen?.bytes ?? 0,
        share: known === 0 ? 0 : (seen?.connections ?? 0) / known,
        expectedShare: total === 0 ? 0 : expected(backend) / total,
        weight: set?.weight ?? null,
        isBackup: set?.isBackup ?? false,
      };
    })
    .sort((a, b) => b.connections - a.connections || a.backend - b.backend);
}

function balancersOf({ members, nodes }: VipCount, { byMac, list }: InferredNodes): InferredVip["balancers"] {
  const counts = new Map<InferredNode, number>();
  const add = (node: InferredNode | undefined, connections: number) => {
    if (node?.role === "lb") counts.set(node, (counts.get(node) ?? 0) + connections);
  };
  for (const [mac, { connections }] of members) add(byMac.get(mac), connections);
  for (const [name, connections] of nodes) {
    const node = list.find((one) => one.name === name);
    add(node, connections);
  }
  return [...counts]
    .map(([node, connections]) => ({ node, connections }))
    .sort((a, b) => (a.node.name < b.node.name ? -1 : 1));
}

/** One connection for each backend and member, and some of the whole run. */
function samplesOf({ connections }: Connected, counts: readonly VipCount[]): Connection[] {
  const samples = new Set<Connection>();
  for (const { members, backends } of counts) {
    for (const { example } of members.values()) if (samples.size < MAX_SAMPLES) samples.add(example);
    for (const { example } of backends.values()) if (samples.size < MAX_SAMPLES) samples.add(example);
  }
  const step = Math.max(1, connections.length / SAMPLES);
  for (let i = 0; i < connections.length; i += step) {
    const connection = connections[Math.floor(i)]!;
    if (connection.role === "client") samples.add(connection);
  }
  return [...samples];
}

/** MACs that ARP or neighbour discovery says hold a VIP. */
function ownersOf({ set, endpoints }: Connected, vipAddresses: ReadonlySet<number>): Set<Mac> {
  const owners = new Set<Mac>();
  for (const { tracker } of set.tracks) {
    for (const { sender, senderMac } of tracker.neighbourhood.messages) {
      if (vipAddresses.has(endpoints.ofWords(sender, 0))) owners.add(senderMac[0] * 4294967296 + (senderMac[1] >>> 0));
    }
  }
  return owners;
}

/** A VRRP router whose virtual address is a VIP is a load balancer. */
function addVrrpRouters(
  { set, endpoints }: Connected,
  vipAddresses: ReadonlySet<number>,
  roleOfAddress: Map<number, NodeRole>,
): void {
  for (const { tracker } of set.tracks) {
    for (const { source, address } of tracker.neighbourhood.advertisers) {
      if (vipAddresses.has(endpoints.ofWords(address, 0))) roleOfAddress.set(endpoints.ofWords(source, 0), "lb");
    }
  }
}

/** Networks of clients, those of several VIPs once. */
function clientNodes(vips: readonly InferredVip[]): InferredNode[] {
  const names = new Set(vips.flatMap(({ clients }) => clients.map(({ name }) => name)));
  return [...names].map((name) => ({ name, role: "client", addresses: [name], macs: [], observationPoints: [] }));
}

/** A box that only its MAC tells of, and that does nothing for the VIPs, is left out. */
function isTold({ role, observationPoints, addresses }: InferredNode): boolean {
  return role !== "unknown" || observationPoints.length > 0 || addresses.length > 0;
}

const ROLES: readonly NodeRole[] = ["lb", "router", "middlebox", "backend", "client", "unknown"];

function byRole(a: InferredNode, b: InferredNode): number {
  return ROLES.indexOf(a.role) - ROLES.indexOf(b.role) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Routers by how far behind the clients they are. */
function routerTiers(
  hops: ReadonlyMap<Mac, number> | undefined,
  byMac: ReadonlyMap<Mac, InferredNode>,
): InferredNode[][] {
  const nearest = new Map<InferredNode, number>();
  for (const [mac, distance] of hops ?? []) {
    const node = byMac.get(mac);
    if (node?.role === "router") nearest.set(node, Math.min(nearest.get(node) ?? distance, distance));
  }
  const distances = [...new Set(nearest.values())].sort((a, b) => a - b);
  return distances.map((distance) =>
    [...nearest].flatMap(([node, own]) => (own === distance ? [node] : [])).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
