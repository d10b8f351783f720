import {
  ACK,
  IS_ARP,
  IS_FRAGMENT,
  IS_ICMP,
  IS_TCP,
  IS_UDP,
  IS_VRRP,
  NOTHING,
  OPT_TOA,
  type Packet,
  SYN,
  TCP,
  UDP,
} from "../decode/packet.ts";
import { mayBeProxyHeader, readProxyHeader } from "../decode/proxy-header.ts";
import type { ClientClaim } from "./client-claims.ts";
import { type ContextLayer, ContextTable, entersAtLowEnd } from "./contexts.ts";
import { EventLog, type EventLogSnapshot, ICMP_ERROR } from "./event-log.ts";
import * as L from "./leg-layout.ts";
import { conversationHash, LegTable, type LegTableSnapshot } from "./leg-table.ts";
import { NeighbourhoodLog } from "./neighbours.ts";
import { writePayloadIdentity } from "./payload-identity.ts";
import { type PointStatistics, PointTable } from "./points.ts";
import { TcpTracker } from "./tcp.ts";
import { trackUdp, UDP_TIMEOUT_NS } from "./udp.ts";

export interface TrackerOptions {
  /** Legs kept at once; beyond it the idlest are evicted. */
  maxLegs?: number;
  /**
   * Which part of the conversations this tracker follows, 0..shards-1, when several share the packets of a capture.
   * Each must be given all packets; what is not a conversation is counted by part 0.
   */
  shard?: number;
  shards?: number;
  /** The source hands on only some packets of a conversation (see LiveSource.isSampled). */
  isSampled?: boolean;
}

/** 700 bytes each. */
export const DEFAULT_MAX_LEGS = 500_000;
/** The longest wait before a SYN is sent again: Linux's sixth retry. */
const SYN_RETRY_NS = 64e9;
/** First of the ports that systems choose for clients (Linux; IANA's begin at 49152). */
const EPHEMERAL_PORT = 32768;
/** Bytes of the longest PROXY header in text form (proxy-protocol.txt 2.1). */
const LONGEST_PROXY_V1 = 107;
/** Legs looked at to find one to evict. */
const EVICTION_SAMPLE = 32;

/** What a tracker counted, besides legs. */
export interface TrackerTotals {
  packets: number;
  bytes: number;
  tcpPackets: number;
  udpPackets: number;
  /** Packets that are not TCP, UDP, ICMP, ARP or VRRP, or that could not be decoded. */
  otherPackets: number;
  /** Packets whose headers were cut by the snap length. */
  cutPackets: number;
  evictedLegs: number;
}

/** A tracker as plain data. */
export interface TrackerSnapshot {
  legs: LegTableSnapshot;
  events: EventLogSnapshot;
  points: PointStatistics[];
  contexts: (readonly ContextLayer[])[];
  neighbourhood: Pick<NeighbourhoodLog, "messages" | "advertisers" | "icmpErrors" | "dropped">;
  claims: ClientClaim[];
  totals: TrackerTotals;
}

/**
 * Follows the legs of one capture (or one live source): decoded packets in, legs and events out.
 *
 * One tracker serves all observation points of its capture; a leg belongs to one point and one encapsulation.
 * Nothing is allocated per packet, and memory is bounded by `maxLegs` and the limits of the logs.
 */
export class FlowTracker {
  legs = new LegTable();
  events = new EventLog();
  readonly points = new PointTable();
  readonly contexts = new ContextTable();
  readonly neighbourhood = new NeighbourhoodLog();
  claims: ClientClaim[] = [];
  totals: TrackerTotals = {
    packets: 0,
    bytes: 0,
    tcpPackets: 0,
    udpPackets: 0,
    otherPackets: 0,
    cutPackets: 0,
    evictedLegs: 0,
  };
  private readonly tcp: TcpTracker;
  private readonly maxLegs: number;
  private readonly shard: number;
  private readonly shards: number;
  private hand = 0;
  private point = 0;
  private context = 0;
  private hash = 0;
  private ports = 0;

  constructor(options: TrackerOptions = {}) {
    this.maxLegs = Math.max(EVICTION_SAMPLE, options.maxLegs ?? DEFAULT_MAX_LEGS);
    this.shard = options.shard ?? 0;
    this.shards = options.shards ?? 1;
    this.tcp = new TcpTracker(this.legs, this.events, options.isSampled);
  }

  /** Everything that was tracked as plain data, to hand to another thread. */
  snapshot(): TrackerSnapshot {
    const { points, contexts, neighbourhood, claims, totals } = this;
    return {
      legs: this.legs.snapshot(),
      events: this.events.snapshot(),
      points: points.list,
      contexts: contexts.list,
      neighbourhood: {
        messages: neighbourhood.messages,
        advertisers: neighbourhood.advertisers,
        icmpErrors: neighbourhood.icmpErrors,
        dropped: neighbourhood.dropped,
      },
      claims,
      totals,
    };
  }

  /** A tracker that holds a snapshot, to be read; it does not track on. */
  static restore(snapshot: TrackerSnapshot): FlowTracker {
    const tracker = new FlowTracker();
    tracker.legs = LegTable.restore(snapshot.legs);
    tracker.events = EventLog.restore(snapshot.events);
    tracker.points.list = snapshot.points;
    tracker.contexts.list = snapshot.contexts;
    Object.assign(tracker.neighbourhood, snapshot.neighbourhood);
    tracker.claims = snapshot.claims;
    tracker.totals = snapshot.totals;
    return tracker;
  }

  /**
   * One packet.
   * @param view the buffer that holds it; only the first payload of a side is looked at
   * @returns the leg it belongs to, -1 where to none
   */
  track(p: Packet, view: DataView): number {
    this.point = this.points.of(p.interface, p.interfaceIndex);
    this.context = p.encapsulation.depth === 0 ? 0 : this.contexts.of(p.encapsulation);
    if (this.shard === 0) this.count(p);
    switch (p.kind) {
      case IS_TCP:
        return this.trackTcp(p, view);
      case IS_UDP:
        return this.trackUdp(p, view);
      case IS_FRAGMENT:
        return this.laterFragment(p);
      case IS_ICMP:
        if (p.quotes) this.icmpError(p);
        break;
      case IS_ARP:
        if (this.shard === 0) this.neighbourhood.neighbour(p, this.point);
        break;
      case IS_VRRP:
        if (this.shard === 0) this.neighbourhood.vrrp(p, this.point);
        break;
      default:
    }
    return -1;
  }

  private count(p: Packet): void {
    const totals = this.totals;
    totals.packets++;
    totals.bytes += p.wireLength;
    if (p.kind === IS_TCP) totals.tcpPackets++;
    else if (p.kind === IS_UDP) totals.udpPackets++;
    else if (p.kind === NOTHING) totals.otherPackets++;
    if (p.cut) totals.cutPackets++;
    this.countPoint(p);
  }

  /** True where the conversation just hashed is for another shard to follow. */
  private isElsewhere(): boolean {
    return this.shards > 1 && (this.hash >>> 12) % this.shards !== this.shard;
  }

  private countPoint(p: Packet): void {
    const point = this.points.list[this.point]!;
    point.packets++;
    point.bytes += p.wireLength;
    const time = p.time;
    if (time >= point.lastTime) point.lastTime = time;
    else if (Number.isNaN(point.lastTime)) {
      point.firstTime = time;
      point.lastTime = time;
    } else if (point.lastTime - time > point.stepBack) {
      point.stepBack = point.lastTime - time;
    }
    if (p.wireLength > 1518) point.oversized++;
  }

  private hashOf(p: Packet): void {
    this.ports = (p.srcPort << 16) | p.dstPort;
    this.hash = conversationHash(
      p.src0,
      p.src1,
      p.src2,
      p.src3,
      p.dst0,
      p.dst1,
      p.dst2,
      p.dst3,
      this.ports,
      this.point * 65599 + this.context,
    );
  }

  private findLeg(p: Packet): number {
    return this.legs.find(
      this.hash,
      this.point,
      this.context,
      p.protocol,
      this.ports,
      p.src0,
      p.src1,
      p.src2,
      p.src3,
      p.dst0,
      p.dst1,
      p.dst2,
      p.dst3,
    );
  }

  private trackTcp(p: Packet, view: DataView): number {
    this.hashOf(p);
    if (this.isElsewhere()) return -1;
    let leg = this.findLeg(p);
    if (leg < 0) leg = this.createTcp(p, -1);
    else if ((p.flags & SYN) !== 0 && this.isReuse(leg, p)) leg = this.createTcp(p, leg);
    const side = this.sideOf(leg, p);
    const isFirstPayload = this.tcp.track(leg, side, p);
    if (isFirstPayload) this.firstPayload(leg, side, p, view);
    if ((p.optionsSeen & OPT_TOA) !== 0) this.toaSeen(leg, side, p);
    return leg;
  }

  private sideOf(leg: number, p: Packet): number {
    const w = this.legs.words(leg);
    const at = this.legs.base(leg);
    const a = at + L.ADDRESS;
    return w[at + L.PORTS]! >>> 16 === p.srcPort &&
      w[a + 3] === p.src3 &&
      w[a + 2] === p.src2 &&
      w[a + 1] === p.src1 &&
      w[a] === p.src0
      ? 0
      : 1;
  }

  /**
   * A SYN or SYN-ACK that cannot belong to the leg found: another initial sequence number, or a life that had ended
   * (the rule that Wireshark follows for TCP streams). It does belong where it only tries again: a SYN that was refused
   * or answered out of TIME-WAIT, or another server's SYN-ACK to the same SYN.
   */
  private isReuse(leg: number, p: Packet): boolean {
    const w = this.legs.words(leg);
    const at = this.legs.base(leg);
    const side = this.sideOf(leg, p);
    const s = at + (side === 0 ? L.SIDE_0 : L.SIDE_1);
    const state = w[at + L.STATE]!;
    const isSyn = (p.flags & ACK) === 0;
    // Who opens was a guess, and a wrong one.
    if ((state & L.LEG_MIDSTREAM) !== 0 && side === (isSyn ? 1 : 0)) return true;
    if ((w[s + L.TRAITS]! & L.SIDE_HAS_BASE) === 0) return false;
    const isSame = w[s + L.BASE_SEQ] === p.seq;
    const finished = L.LEG_FIN_UP | L.LEG_FIN_DOWN;
    const reset = L.LEG_RST_UP | L.LEG_RST_DOWN;
    if (!isSyn) {
      if (isSame || this.answersSyn(leg, side, p)) return false;
      return (state & L.LEG_SYN) === 0 || (state & (finished | reset)) !== 0;
    }
    if (!isSame) return true;
    if ((state & (finished | reset)) === 0) return false;
    const last = this.legs.doubles(leg)[(at >> 1) + L.LAST_TIME_D]!;
    return (state & (finished | L.LEG_SYN_ACK)) !== 0 || p.time - last > SYN_RETRY_NS;
  }

  /** True where a SYN-ACK acknowledges the SYN of the other side, with what data came in it (RFC 7413). */
  private answersSyn(leg: number, side: number, p: Packet): boolean {
    const w = this.legs.words(leg);
    const at = this.legs.base(leg);
    if ((w[at + L.STATE]! & (side === 1 ? L.LEG_SYN : L.LEG_SYN_ACK)) === 0) return false;
    const o = at + (side === 0 ? L.SIDE_1 : L.SIDE_0);
    const acked = (p.ack - w[o + L.BASE_SEQ]!) | 0;
    return acked > 0 && ((p.ack - w[o + L.NEXT_SEQ]!) | 0) <= 0;
  }

  private createTcp(p: Packet, replaces: number): number {
    const opens = (p.flags & SYN) !== 0;
    const isSynAck = opens && (p.flags & 0x10) !== 0;
    // Without a SYN the lower port is taken for the server's.
    const fromServer = isSynAck || (!opens && p.srcPort < p.dstPort);
    const leg = this.create(p, fromServer, TCP, replaces);
    const at = this.legs.base(leg);
    if (!opens) this.legs.words(leg)[at + L.STATE]! |= L.LEG_MIDSTREAM;
    this.legs.doubles(leg)[(at >> 1) + L.HANDSHAKE_ACK_TIME_D] = Number.NaN;
    return leg;
  }

  private create(p: Packet, fromServer: boolean, protocol: number, replaces: number): number {
    if (this.legs.live >= this.maxLegs) this.evict();
    const leg = this.legs.create();
    const w = this.legs.words(leg);
    const at = this.legs.base(leg);
    const client = at + L.ADDRESS + (fromServer ? 4 : 0);
    const server = at + L.ADDRESS + (fromServer ? 0 : 4);
    w[client] = p.src0;
    w[client + 1] = p.src1;
    w[client + 2] = p.src2;
    w[client + 3] = p.src3;
    w[server] = p.dst0;
    w[server + 1] = p.dst1;
    w[server + 2] = p.dst2;
    w[server + 3] = p.dst3;
    w[at + L.PORTS] = fromServer ? (p.dstPort << 16) | p.srcPort : (p.srcPort << 16) | p.dstPort;
    w[at + L.HASH] = this.hash;
    w[at + L.POINT] = this.point;
    w[at + L.CONTEXT] = this.context;
    w[at + L.PROTOCOL] = protocol;
    // Seen from the opener: a first packet of the server's came the other way.
    if (this.context !== 0 && entersAtLowEnd(p.encapsulation) !== fromServer) w[at + L.STATE]! |= L.LEG_TUNNEL_FROM_LOW;
    w[at + L.FIRST_FRAME] = p.frame;
    const d = this.legs.doubles(leg);
    d[(at >> 1) + L.LAST_TIME_D] = p.time;
    this.legs.link(leg, replaces);
    return leg;
  }

  /** Frees the idlest of a sample of legs; the sample walks round the table. */
  private evict(): void {
    let idlest = -1;
    let oldest = Number.POSITIVE_INFINITY;
    for (let looked = 0; looked < EVICTION_SAMPLE; ) {
      this.hand = (this.hand + 1) % this.legs.count;
      if (!this.legs.has(this.hand)) continue;
      looked++;
      const time = this.legs.doubles(this.hand)[(this.legs.base(this.hand) >> 1) + L.LAST_TIME_D]!;
      if (time < oldest) {
        oldest = time;
        idlest = this.hand;
      }
    }
    if (idlest < 0) return;
    this.retire([idlest]);
    this.totals.evictedLegs++;
  }

  /**
   * Gives up legs that nobody needs any longer, with all that was kept of them. Their numbers are given to new legs; a
   * packet that comes late begins a leg of its own.
   */
  retire(legs: readonly number[]): void {
    let isClaimed = false;
    let isQuoted = false;
    for (const leg of legs) {
      const w = this.legs.words(leg);
      const at = this.legs.base(leg);
      const traits = w[at + L.SIDE_0 + L.TRAITS]! | w[at + L.SIDE_1 + L.TRAITS]!;
      isClaimed ||= (traits & (L.SIDE_TOA | L.SIDE_PROXY_HEADER)) !== 0;
      isQuoted ||= w[at + L.ICMP_ERRORS] !== 0;
      this.events.release(this.legs, leg);
      this.legs.remove(leg);
    }
    if (isClaimed) this.claims = this.claims.filter(({ leg }) => this.legs.has(leg));
    if (!isQuoted) return;
    for (const error of this.neighbourhood.icmpErrors) {
      if (error.leg >= 0 && !this.legs.has(error.leg)) error.leg = -1;
    }
  }

  private trackUdp(p: Packet, view: DataView): number {
    this.hashOf(p);
    if (this.isElsewhere()) return -1;
    let leg = this.findLeg(p);
    if (leg >= 0) {
      const last = this.legs.doubles(leg)[(this.legs.base(leg) >> 1) + L.LAST_TIME_D]!;
      if (p.time - last > UDP_TIMEOUT_NS) leg = this.create(p, isFromUdpServer(p), UDP, leg);
    } else {
      leg = this.create(p, isFromUdpServer(p), UDP, -1);
    }
    const side = this.sideOf(leg, p);
    if (trackUdp(this.legs, leg, side, p)) this.firstPayload(leg, side, p, view);
    return leg;
  }

  /** What the first payload of a side says: a PROXY header, and its identity for joining. */
  private firstPayload(leg: number, side: number, p: Packet, view: DataView): void {
    const w = this.legs.words(leg);
    const d = this.legs.doubles(leg);
    const s = this.legs.base(leg) + (side === 0 ? L.SIDE_0 : L.SIDE_1);
    let offset = p.payloadOffset;
    let captured = Math.min(p.payloadCaptured, p.payloadLength);
    let length = p.payloadLength;
    if (w[s + L.DATA_FRAME] === 0) {
      w[s + L.DATA_FRAME] = p.frame;
      d[(s >> 1) + L.DATA_TIME_D] = p.time;
      if (side === 0 && captured >= 8 && mayBeProxyHeader(view.getInt32(offset))) {
        const header = readProxyHeader(view, offset, captured);
        if (header) {
          w[s + L.TRAITS]! |= L.SIDE_PROXY_HEADER;
          this.claimed({
            leg,
            source: header.version === 1 ? "proxy-v1" : "proxy-v2",
            command: header.command,
            frame: p.frame,
            client: header.source,
            clientPort: header.sourcePort,
            vip: header.destination,
            vipPort: header.destinationPort,
            optionKind: 0,
          });
          // What the client itself sent begins after the header. Where the capture cut it short, its end is unknown:
          // a segment that can be one header is taken for it.
          const headerLength = header.length < 0 && length <= LONGEST_PROXY_V1 ? length : header.length;
          length = headerLength < 0 ? length : Math.max(0, length - headerLength);
          captured = headerLength < 0 ? 0 : Math.max(0, captured - headerLength);
          offset += headerLength;
        }
      }
    }
    w[s + L.FIRST_LENGTH] = length;
    if (captured > 0) writePayloadIdentity(w, this.legs.base(leg), side, view, offset, captured);
  }

  private claimed(claim: ClientClaim): void {
    if (this.claims.length < this.maxLegs) this.claims.push(claim);
  }

  private toaSeen(leg: number, side: number, p: Packet): void {
    const w = this.legs.words(leg);
    const s = this.legs.base(leg) + (side === 0 ? L.SIDE_0 : L.SIDE_1);
    if ((w[s + L.TRAITS]! & L.SIDE_TOA) !== 0) return;
    w[s + L.TRAITS]! |= L.SIDE_TOA;
    this.claimed({
      leg,
      source: "toa",
      command: "proxy",
      frame: p.frame,
      client: [p.toa0, p.toa1, p.toa2, p.toa3],
      clientPort: p.toaPort,
      vip: null,
      vipPort: 0,
      optionKind: p.toaKind,
    });
  }

  private icmpError(p: Packet): void {
    this.ports = (p.quotedSrcPort << 16) | p.quotedDstPort;
    this.hash = conversationHash(
      p.quotedSrc0,
      p.quotedSrc1,
      p.quotedSrc2,
      p.quotedSrc3,
      p.quotedDst0,
      p.quotedDst1,
      p.quotedDst2,
      p.quotedDst3,
      this.ports,
      this.point * 65599 + this.context,
    );
    if (this.isElsewhere()) return;
    const leg = this.legs.find(
      this.hash,
      this.point,
      this.context,
      p.quotedProtocol,
      this.ports,
      p.quotedSrc0,
      p.quotedSrc1,
      p.quotedSrc2,
      p.quotedSrc3,
      p.quotedDst0,
      p.quotedDst1,
      p.quotedDst2,
      p.quotedDst3,
    );
    if (leg >= 0) {
      const w = this.legs.words(leg);
      const at = this.legs.base(leg);
      w[at + L.ICMP_ERRORS]!++;
      const a = at + L.ADDRESS;
      const quotedSide =
        w[at + L.PORTS]! >>> 16 === p.quotedSrcPort &&
        w[a + 3] === p.quotedSrc3 &&
        w[a + 2] === p.quotedSrc2 &&
        w[a + 1] === p.quotedSrc1 &&
        w[a] === p.quotedSrc0
          ? 0
          : 1;
      const event = this.events.add(this.legs, leg, ICMP_ERROR, quotedSide, p, Number.NaN);
      this.events.setExtra(event, 0, p.icmpType);
      this.events.setExtra(event, 1, p.icmpCode);
      this.events.setExtra(event, 2, p.icmpMtu);
      this.events.setExtra(event, 3, p.quotedSeq);
    }
    this.neighbourhood.icmpError(p, this.point, this.context, leg);
  }

  /** Packets and bytes of a later fragment count for the leg of its first one. */
  private laterFragment(p: Packet): number {
    this.hashOf(p);
    if (this.isElsewhere()) return -1;
    const leg = this.findLeg(p);
    if (leg < 0) return -1;
    const s = this.legs.base(leg) + (this.sideOf(leg, p) === 0 ? L.SIDE_0 : L.SIDE_1);
    this.legs.words(leg)[s + L.PACKETS]!++;
    this.legs.doubles(leg)[(s >> 1) + L.WIRE_BYTES_D]! += p.wireLength;
    this.legs.doubles(leg)[(s >> 1) + L.PAYLOAD_BYTES_D]! += p.payloadLength;
    return leg;
  }
}

/**
 * Who speaks first is the client, unless only the ports of the other are those that systems give to clients: a
 * balancer's own may be as low as 1024.
 */
function isFromUdpServer(p: Packet): boolean {
  if (p.srcPort < 1024) return p.dstPort >= 1024;
  return p.srcPort < EPHEMERAL_PORT && p.dstPort >= EPHEMERAL_PORT;
}
