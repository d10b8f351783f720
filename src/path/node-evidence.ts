import { balancerBoundary } from "./balancer-boundary.ts";
import type { Connected } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { firstCopyMacs, firstMacs } from "./first-macs.ts";
import type { LegRef } from "./leg-set.ts";
import { isInitialTtl, type Mac } from "./macs.ts";

/** What the frames of sample connections tell of the boxes on their way. */
export interface NodeEvidence {
  /** How often a MAC was seen to be that of an observation point. */
  owners: Map<Mac, Map<number, number>>;
  /** MACs that belong to one box: in by the one, out by the other. */
  sameBox: [Mac, Mac][];
  /** Addresses (port 0) by MAC, of packets that the neighbour itself made or ARP named. */
  addresses: Map<Mac, Set<number>>;
  /** Samples in which a MAC or a node was the balancer's, or the backend's: faults may make it look otherwise. */
  balancers: Map<Mac, number>;
  balancerNodes: Map<string, number>;
  /** Samples that each captured node saw. */
  seenBy: Map<string, number>;
  backends: Map<Mac, number>;
  routers: Set<Mac>;
  routerNodes: Set<string>;
  clients: Set<Mac>;
  /** How many first packets came from a MAC with a TTL that its host gave them, and how many with a lower one. */
  sent: Map<Mac, { own: number; forwarded: number }>;
  /** By observation point: in how many frames of the samples each MAC was, and how many there were. */
  macsAt: Map<number, { frames: number; macs: Map<Mac, number> }>;
  /** Boxes that connections pass before the balancer, by VIP, with how many hops behind the client they were seen. */
  routersOf: Map<number, Map<Mac, number>>;
}

/** One leg of a sample connection: MACs as its frames came to the point and as they left it. */
interface Hop {
  ref: LegRef;
  node: string;
  point: number;
  inFrom: Mac;
  inTo: Mac;
  outFrom: Mac;
  outTo: Mac;
  /** The box itself sent the frames on at this point. */
  isCopied: boolean;
  upTtl: number;
  downTtl: number;
  downFrom: Mac;
  downTo: Mac;
  sawUp: boolean;
  sawDown: boolean;
}

/** Reads the way of sample connections, and what ARP and neighbour discovery said. */
export function gatherEvidence(
  connected: Connected,
  samples: readonly Connection[],
  vipAddresses: ReadonlySet<number>,
): NodeEvidence {
  const evidence: NodeEvidence = {
    owners: new Map(),
    sameBox: [],
    addresses: new Map(),
    balancers: new Map(),
    balancerNodes: new Map(),
    seenBy: new Map(),
    backends: new Map(),
    routers: new Set(),
    routerNodes: new Set(),
    clients: new Set(),
    sent: new Map(),
    macsAt: new Map(),
    routersOf: new Map(),
  };
  const reader = new EvidenceReader(connected, evidence, vipAddresses);
  for (const sample of samples) reader.read(sample);
  reader.judgeRouters();
  reader.readNeighbours();
  return evidence;
}

class EvidenceReader {
  private readonly connected: Connected;
  private readonly evidence: NodeEvidence;
  private readonly vipAddresses: ReadonlySet<number>;

  constructor(connected: Connected, evidence: NodeEvidence, vipAddresses: ReadonlySet<number>) {
    this.connected = connected;
    this.evidence = evidence;
    this.vipAddresses = vipAddresses;
  }

  read(connection: Connection): void {
    const hops = connection.legs.map((ref) => this.hop(ref));
    const boundary = balancerBoundary(this.connected.set, connection);
    for (const node of new Set(hops.map((hop) => hop.node))) increase(this.evidence.seenBy, node);
    hops.forEach((hop, i) => {
      const next = hops[i + 1];
      this.sawAt(hop);
      if (hop.isCopied) {
        this.owns(hop, hop.inTo);
        this.owns(hop, hop.outFrom);
      }
      if (next && hop.sawUp && next.sawUp) this.readLink(hop, next, connection.hops[i + 1] !== "forward");
      if (next && hop.sawDown && next.sawDown) this.readLinkBack(hop, next);
    });
    if (boundary >= 0) this.readBoundary(connection, hops, boundary);
    this.readEnds(connection, hops, boundary);
    this.readRouters(connection, boundary >= 0 ? hops.slice(0, Math.max(1, boundary)) : hops);
  }

  private hop(ref: LegRef): Hop {
    const { set } = this.connected;
    const { nodeName: node, index: point } = set.pointOf(ref);
    const view = set.view(ref);
    const { up, down } = view;
    const upTtl = up.ttl.first;
    const downTtl = down.ttl.first;
    const isCopied = view.passesTwice(0) && !view.isInTunnel;
    const sawUp = up.packets > 0;
    const sawDown = down.packets > 0;
    const came = sawUp ? firstMacs(set, ref, 0) : { source: 0, destination: 0 };
    const left = isCopied ? firstCopyMacs(set, ref, 0) : came;
    const back = sawDown ? firstMacs(set, ref, 1) : { source: 0, destination: 0 };
    return {
      ref,
      node,
      point,
      inFrom: came.source,
      inTo: came.destination,
      outFrom: left.source,
      outTo: left.destination,
      isCopied,
      upTtl,
      downTtl,
      downFrom: back.source,
      downTo: back.destination,
      sawUp,
      sawDown,
    };
  }

  /** Two legs that follow one another: ends of one link, or the two sides of one node. */
  private readLink(a: Hop, b: Hop, isRewritten: boolean): void {
    const { evidence } = this;
    if (a.node !== b.node) {
      if (a.outFrom !== 0 && a.outFrom === b.inFrom && a.outTo === b.inTo) {
        this.owns(a, a.outFrom);
        this.owns(b, b.inTo);
      } else if (!isRewritten && b.upTtl === a.upTtl - 1 && a.outTo !== 0 && b.inFrom !== 0) {
        // one box between them, and it only forwarded
        add(evidence.routers, a.outTo);
        add(evidence.routers, b.inFrom);
        evidence.sameBox.push([a.outTo, b.inFrom]);
      }
      return;
    }
    if (a.point === b.point || a.outTo === 0 || b.inTo === 0 || a.outTo === b.inTo) return;
    this.owns(a, a.outTo);
    this.owns(b, b.inFrom);
    if (!isRewritten && b.upTtl === a.upTtl - 1) {
      evidence.routerNodes.add(a.node);
      add(evidence.routers, a.outTo);
      add(evidence.routers, b.inFrom);
    }
  }

  /** The same for what came back: from the second to the first. */
  private readLinkBack(a: Hop, b: Hop): void {
    if (a.downFrom === 0 || a.downTo === 0 || b.downTo === 0) return;
    const isSameLink = a.downFrom === b.downFrom && a.downTo === b.downTo;
    if (a.node !== b.node && isSameLink) {
      this.owns(b, b.downFrom);
      this.owns(a, a.downTo);
    } else if (a.node === b.node && a.point !== b.point && !isSameLink) {
      this.owns(b, b.downTo);
      this.owns(a, a.downFrom);
    }
  }

  /** Where the balancer is: between the last leg to the VIP and the first that it sent on. */
  private readBoundary(connection: Connection, hops: readonly Hop[], boundary: number): void {
    const { evidence, connected } = this;
    const after = hops[boundary]!;
    const before = hops[boundary - 1];
    const kind = connection.hops.find((hop) => hop !== "forward")!;
    if (!before || kind === "dsr-l2") {
      const isHandedOn = before?.node === after.node && !after.isCopied && !after.sawDown;
      // what was handed on, or asked past: the box that the request was sent to
      this.isBalancer((isHandedOn ? before : after).inTo);
      if (after.isCopied || isHandedOn) increase(evidence.balancerNodes, after.node);
      if (after.isCopied) this.isBalancer(after.outFrom);
      return;
    }
    if (before.node === after.node) {
      increase(evidence.balancerNodes, before.node);
      return;
    }
    if (!before.sawUp || !after.sawUp) return;
    const decrement = before.upTtl - after.upTtl;
    if (kind === "dsr-tunnel") {
      if (decrement === 0 || decrement === 1) this.isBalancer(before.outTo);
      return;
    }
    const isBetween =
      kind === "proxy" ? before.sawDown && isInitialTtl(before.downTtl) && isInitialTtl(after.upTtl) : decrement === 1;
    if (!isBetween) return;
    this.isBalancer(before.outTo);
    this.isBalancer(after.inFrom);
    if (before.outTo !== 0 && after.inFrom !== 0) evidence.sameBox.push([before.outTo, after.inFrom]);
    if (kind !== "fullnat" && kind !== "proxy") return;
    const { src } = connected.set.view(after.ref);
    this.hasAddress(after.inFrom, connected.endpoints.ofWords(src, 0));
  }

  /** Who made the packets that are still as their maker sent them. */
  private readEnds(connection: Connection, hops: readonly Hop[], boundary: number): void {
    const { evidence, connected } = this;
    const { endpoints, set } = connected;
    const first = hops[0]!;
    if (first.sawUp && isInitialTtl(first.upTtl)) {
      this.sentBy(first.inFrom, "own");
      add(evidence.clients, first.inFrom);
      this.hasAddress(first.inFrom, endpoints.withPort(connection.client, 0));
    }
    const { backend } = connection;
    if (backend === null) return;
    const last = hops.at(-1)!;
    if (boundary >= 0) {
      const after = hops[boundary]!;
      if (connection.mode === "proxy" && after.sawUp && isInitialTtl(after.upTtl)) {
        this.isBalancer(after.inFrom);
        this.hasAddress(after.inFrom, endpoints.ofWords(set.view(after.ref).src, 0));
      }
    }
    if (!last.sawDown || !isInitialTtl(last.downTtl) || last.downFrom === 0) return;
    if (!isGroup(last.downFrom)) increase(evidence.backends, last.downFrom);
    if (!endpoints.isMac(backend)) this.hasAddress(last.downFrom, endpoints.withPort(backend, 0));
  }

  /** Boxes that passed the client's packets on before they came to the balancer. */
  private readRouters({ vip }: Connection, hops: readonly Hop[]): void {
    const { evidence } = this;
    for (const { sawUp, upTtl, inFrom } of hops) {
      if (!sawUp || inFrom === 0 || isInitialTtl(upTtl)) continue;
      this.sentBy(inFrom, "forwarded");
      const known = evidence.routersOf.get(vip) ?? new Map<Mac, number>();
      evidence.routersOf.set(vip, known);
      known.set(inFrom, Math.min(known.get(inFrom) ?? Number.POSITIVE_INFINITY, hopsFromSender(upTtl)));
    }
  }

  /** A router sends on with lower TTLs than hosts begin with; a host that plays with its TTLs sends others, too. */
  judgeRouters(): void {
    const { sent, routers, routersOf } = this.evidence;
    for (const [mac, { own, forwarded }] of sent) {
      if (forwarded > own * 4 && !isGroup(mac)) routers.add(mac);
      else for (const macs of routersOf.values()) macs.delete(mac);
    }
  }

  readNeighbours(): void {
    const { set, endpoints } = this.connected;
    for (const { tracker } of set.tracks) {
      for (const { senderMac, sender } of tracker.neighbourhood.messages) {
        if (sender.every((word) => word === 0) || (sender[0] & 0xffc00000) === (0xfe800000 | 0)) continue;
        this.hasAddress(senderMac[0] * 4294967296 + (senderMac[1] >>> 0), endpoints.ofWords(sender, 0));
      }
    }
  }

  private sentBy(mac: Mac, kind: "own" | "forwarded"): void {
    const { sent } = this.evidence;
    const known = sent.get(mac) ?? { own: 0, forwarded: 0 };
    known[kind]++;
    sent.set(mac, known);
  }

  private sawAt({ point, inFrom, inTo, outFrom, outTo }: Hop): void {
    // cooked captures have the sender's MAC only
    if (inFrom === 0 || inTo === 0) return;
    const { macsAt } = this.evidence;
    const seen = macsAt.get(point) ?? { frames: 0, macs: new Map<Mac, number>() };
    macsAt.set(point, seen);
    seen.frames++;
    for (const mac of new Set([inFrom, inTo, outFrom, outTo])) {
      if (mac !== 0 && !isGroup(mac)) seen.macs.set(mac, (seen.macs.get(mac) ?? 0) + 1);
    }
  }

  private owns({ point }: Hop, mac: Mac): void {
    if (mac === 0 || isGroup(mac)) return;
    const { owners } = this.evidence;
    const votes = owners.get(mac) ?? new Map<number, number>();
    increase(votes, point);
    owners.set(mac, votes);
  }

  private isBalancer(mac: Mac): void {
    if (mac !== 0 && !isGroup(mac)) increase(this.evidence.balancers, mac);
  }

  private hasAddress(mac: Mac, address: number): void {
    if (mac === 0 || isGroup(mac) || this.vipAddresses.has(address)) return;
    const known = this.evidence.addresses.get(mac);
    if (known) known.add(address);
    else this.evidence.addresses.set(mac, new Set([address]));
  }
}

/** How many routers a packet has passed, if its sender began with the usual TTL above. */
function hopsFromSender(ttl: number): number {
  return (ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl;
}

/** Broadcast and multicast addresses are nobody's interface. */
function isGroup(mac: Mac): boolean {
  return (Math.floor(mac / 1099511627776) & 1) === 1;
}

function increase<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function add(set: Set<Mac>, mac: Mac): void {
  if (mac !== 0 && !isGroup(mac)) set.add(mac);
}
