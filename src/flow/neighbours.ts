import type { Packet } from "../decode/packet.ts";

/** What ARP or neighbour discovery said, counted by sender, target and MACs. */
export interface NeighbourMessage {
  point: number;
  /** 1 request, 2 reply. */
  operation: number;
  /** Mapped words. */
  sender: readonly [number, number, number, number];
  target: readonly [number, number, number, number];
  /** MAC the message names, as 16 high and 32 low bits. */
  senderMac: readonly [number, number];
  /** MACs of the frame: destination and source, 12 bytes as three words. */
  frameMac: readonly [number, number, number];
  count: number;
  firstTime: number;
  lastTime: number;
  firstFrame: number;
  lastFrame: number;
}

/** Advertisements of one VRRP router: one source, router id and priority at one point. */
export interface VrrpAdvertiser {
  point: number;
  version: number;
  virtualRouterId: number;
  priority: number;
  intervalCentiseconds: number;
  /** Mapped words of the router's own address and the first virtual address. */
  source: readonly [number, number, number, number];
  address: readonly [number, number, number, number];
  count: number;
  firstTime: number;
  lastTime: number;
  firstFrame: number;
  lastFrame: number;
  /** Longest pause between two of its advertisements, ns, and when it ended. */
  longestPause: number;
  longestPauseEnd: number;
}

/** An ICMP error, whether its quoted flow is known or not. */
export interface IcmpError {
  point: number;
  time: number;
  frame: number;
  ipVersion: number;
  type: number;
  code: number;
  mtu: number;
  source: readonly [number, number, number, number];
  destination: readonly [number, number, number, number];
  frameMac: readonly [number, number, number];
  context: number;
  quotedProtocol: number;
  quotedSource: readonly [number, number, number, number];
  quotedDestination: readonly [number, number, number, number];
  quotedSourcePort: number;
  quotedDestinationPort: number;
  quotedSeq: number;
  /** Leg that it quotes at this point, or -1. */
  leg: number;
}

/** Entries kept of each kind; a network that sends more is counted only. */
const MAX_ENTRIES = 20_000;

/** What is not a flow but tells about the neighbourhood: ARP and neighbour discovery, VRRP, ICMP errors. Bounded. */
export class NeighbourhoodLog {
  messages: NeighbourMessage[] = [];
  advertisers: VrrpAdvertiser[] = [];
  icmpErrors: IcmpError[] = [];
  /** Entries that did not fit. */
  dropped = 0;
  private readonly messageByKey = new Map<string, NeighbourMessage>();
  private readonly advertiserByKey = new Map<string, VrrpAdvertiser>();

  neighbour(p: Packet, point: number): void {
    const key = [
      point,
      p.arpOperation,
      p.src0,
      p.src1,
      p.src2,
      p.src3,
      p.dst0,
      p.dst1,
      p.dst2,
      p.dst3,
      p.arpSenderHigh,
      p.arpSenderLow,
      p.mac0,
      p.mac1,
      p.mac2,
    ].join();
    const known = this.messageByKey.get(key);
    if (known) {
      seenAgain(known, p);
      return;
    }
    if (this.messages.length >= MAX_ENTRIES) {
      this.dropped++;
      return;
    }
    const message: NeighbourMessage = {
      point,
      operation: p.arpOperation,
      sender: [p.src0, p.src1, p.src2, p.src3],
      target: [p.dst0, p.dst1, p.dst2, p.dst3],
      senderMac: [p.arpSenderHigh, p.arpSenderLow],
      frameMac: [p.mac0, p.mac1, p.mac2],
      ...firstSeen(p),
    };
    this.messageByKey.set(key, message);
    this.messages.push(message);
  }

  vrrp(p: Packet, point: number): void {
    const key = [point, p.vrrpId, p.vrrpPriority, p.src0, p.src1, p.src2, p.src3, p.mac1, p.mac2].join();
    const known = this.advertiserByKey.get(key);
    if (known) {
      const pause = p.time - known.lastTime;
      if (pause > known.longestPause) {
        known.longestPause = pause;
        known.longestPauseEnd = p.time;
      }
      seenAgain(known, p);
      return;
    }
    if (this.advertisers.length >= MAX_ENTRIES) {
      this.dropped++;
      return;
    }
    const advertiser: VrrpAdvertiser = {
      point,
      version: p.vrrpVersion,
      virtualRouterId: p.vrrpId,
      priority: p.vrrpPriority,
      intervalCentiseconds: p.vrrpInterval,
      source: [p.src0, p.src1, p.src2, p.src3],
      address: [p.vrrpAddress0, p.vrrpAddress1, p.vrrpAddress2, p.vrrpAddress3],
      longestPause: 0,
      longestPauseEnd: Number.NaN,
      ...firstSeen(p),
    };
    this.advertiserByKey.set(key, advertiser);
    this.advertisers.push(advertiser);
  }

  /** Forgets what was last said before a time, ns. */
  forget(before: number): void {
    for (const [key, { lastTime }] of this.messageByKey) if (lastTime < before) this.messageByKey.delete(key);
    for (const [key, { lastTime }] of this.advertiserByKey) if (lastTime < before) this.advertiserByKey.delete(key);
    this.messages = this.messages.filter(({ lastTime }) => !(lastTime < before));
    this.advertisers = this.advertisers.filter(({ lastTime }) => !(lastTime < before));
    this.icmpErrors = this.icmpErrors.filter(({ time }) => !(time < before));
  }

  icmpError(p: Packet, point: number, context: number, leg: number): void {
    if (this.icmpErrors.length >= MAX_ENTRIES) {
      this.dropped++;
      return;
    }
    this.icmpErrors.push({
      point,
      time: p.time,
      frame: p.frame,
      ipVersion: p.ipVersion,
      type: p.icmpType,
      code: p.icmpCode,
      mtu: p.icmpMtu,
      source: [p.src0, p.src1, p.src2, p.src3],
      destination: [p.dst0, p.dst1, p.dst2, p.dst3],
      frameMac: [p.mac0, p.mac1, p.mac2],
      context,
      quotedProtocol: p.quotedProtocol,
      quotedSource: [p.quotedSrc0, p.quotedSrc1, p.quotedSrc2, p.quotedSrc3],
      quotedDestination: [p.quotedDst0, p.quotedDst1, p.quotedDst2, p.quotedDst3],
      quotedSourcePort: p.quotedSrcPort,
      quotedDestinationPort: p.quotedDstPort,
      quotedSeq: p.quotedSeq,
      leg,
    });
  }
}

function firstSeen(p: Packet): Pick<NeighbourMessage, "count" | "firstTime" | "lastTime" | "firstFrame" | "lastFrame"> {
  return { count: 1, firstTime: p.time, lastTime: p.time, firstFrame: p.frame, lastFrame: p.frame };
}

function seenAgain(entry: { count: number; lastTime: number; lastFrame: number }, p: Packet): void {
  entry.count++;
  entry.lastTime = p.time;
  entry.lastFrame = p.frame;
}
