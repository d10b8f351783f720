import {
  ACK,
  FIN,
  OPT_FAST_OPEN,
  OPT_MSS,
  OPT_SACK_PERMITTED,
  OPT_TIMESTAMPS,
  OPT_WINDOW_SCALE,
  type Packet,
  RST,
  SYN,
} from "../decode/packet.ts";
import { AFTER_RESET, type EventLog, MOVE, RESET, RETRANSMIT, SILENCE_BROKEN } from "./event-log.ts";
import * as H from "./history.ts";
import * as L from "./leg-layout.ts";
import type { LegTable } from "./leg-table.ts";

/** The same packet twice within this time with other MACs or TTL is one packet passing by, not a retransmission. */
const COPY_WINDOW_NS = 20e6;
/** A segment that is captured twice, without anything that numbers or dates it, comes again within this. */
const TWIN_WINDOW_NS = 1e6;
/** A silence worth remembering: half a second, below any idle timeout in use. */
const SILENCE_NS = 0.5e9;
/** The same of a sampled source, which shows a packet of each direction that often (BEAT_NS of probes/flowtap). */
const SAMPLED_SILENCE_NS = 1e9;
/** A segment that fills a hole sooner than this was overtaken on the way; later it was sent again (as Wireshark has it). */
const REORDER_NS = 3e6;
/** Frames above this have not been on an Ethernet wire: offload put segments together. */
const WIRE_MTU_BYTES = 1514;

/** Outcomes of a silence, in extra word 0 of its event. */
export const SILENCE_UNANSWERED = 0;
export const SILENCE_SURVIVED = 1;
export const SILENCE_RESET = 2;

/**
 * Follows the TCP life of legs, one segment at a time (RFC 9293), and logs what attribution needs later.
 *
 * Between calls the object holds only where the current leg lies: `w` and `d` are its segment of the table, `at` its
 * record, `s` the side that sent the segment, `o` the other one.
 */
export class TcpTracker {
  private readonly legs: LegTable;
  private readonly log: EventLog;
  private readonly isSampled: boolean;
  private readonly silenceNs: number;
  private w: Int32Array = new Int32Array(0);
  private d: Float64Array = new Float64Array(0);
  private leg = 0;
  private at = 0;
  private side = 0;
  private s = 0;
  private o = 0;

  /**
   * @param isSampled the source keeps most segments to itself: what lies between those seen was sent, not lost. It must
   *   hand on SYN, FIN, RST, what is sent again, and the first segment after a silence
   */
  constructor(legs: LegTable, log: EventLog, isSampled = false) {
    this.legs = legs;
    this.log = log;
    this.isSampled = isSampled;
    this.silenceNs = isSampled ? SAMPLED_SILENCE_NS : SILENCE_NS;
  }

  /**
   * One segment of a leg.
   * @param side 0 when the opener sent it
   * @returns true where it is the first payload of its side
   */
  track(leg: number, side: number, p: Packet): boolean {
    const w = this.legs.words(leg);
    const d = this.legs.doubles(leg);
    const at = this.legs.base(leg);
    const s = at + (side === 0 ? L.SIDE_0 : L.SIDE_1);
    this.w = w;
    this.d = d;
    this.leg = leg;
    this.at = at;
    this.side = side;
    this.s = s;
    this.o = at + (side === 0 ? L.SIDE_1 : L.SIDE_0);
    const ld = at >> 1;
    const sd = s >> 1;
    const flags = p.flags;
    const time = p.time;

    w[s + L.PACKETS]!++;
    d[sd + L.WIRE_BYTES_D]! += p.wireLength;
    w[at + L.LAST_FRAME] = p.frame;

    let traits = w[s + L.TRAITS]!;
    if (
      w[s + L.MAC + 1] !== p.mac1 ||
      w[s + L.MAC] !== p.mac0 ||
      w[s + L.MAC + 2] !== p.mac2 ||
      w[s + L.TTL]! >>> 24 !== p.ttl ||
      p.seq === w[s + L.LAST_SEQ] ||
      // An acknowledgment that was overtaken is none.
      (p.ipId > 0 &&
        ((w[s + L.IP_ID]! - p.ipId - 1) & 0xffff) < 0xff &&
        (p.payloadLength > 0 || (flags & (SYN | FIN)) !== 0))
    ) {
      if (w[s + L.PACKETS]! > 1 && this.isCopy(p)) {
        this.copySeen(p);
        return false;
      }
      if ((traits & L.SIDE_SEEN) !== 0 && (flags & RST) === 0) this.pathChanged(p);
    }
    if ((traits & L.SIDE_SEEN) === 0) traits = this.firstOfSide(p);
    traits &= ~L.SIDE_COPIED;

    const silence = time - d[ld + L.LAST_TIME_D]!;
    if (silence > this.silenceNs) this.silenceBroken(p);
    else if (w[at + L.GAP_FRAME] !== 0 && w[at + L.GAP_SIDE] !== side) this.silenceAnswered(flags);
    if (silence > 0) d[ld + L.LAST_TIME_D] = time;
    d[sd + L.SIDE_LAST_TIME_D] = time;

    if ((flags & RST) !== 0) {
      w[s + L.TRAITS] = traits;
      this.reset(p);
      return false;
    }

    if ((p.optionsSeen & OPT_TIMESTAMPS) !== 0) {
      if ((traits & L.SIDE_TIMESTAMPS) === 0) w[s + L.TS_FIRST] = p.tsValue;
      w[s + L.TS_LAST] = p.tsValue;
      traits |= L.SIDE_TIMESTAMPS;
    } else {
      traits |= L.SIDE_NO_TIMESTAMPS;
    }

    const payload = p.payloadLength;
    const segment = payload + ((flags >> 1) & 1) + (flags & FIN);
    const seq = p.seq;
    if ((traits & L.SIDE_HAS_BASE) === 0) {
      traits |= L.SIDE_HAS_BASE;
      w[s + L.BASE_SEQ] = seq;
      w[s + L.NEXT_SEQ] = (seq + segment) | 0;
    } else if (seq === w[s + L.NEXT_SEQ]) {
      w[s + L.NEXT_SEQ] = (seq + segment) | 0;
    } else {
      traits = this.outOfSequence(p, segment, traits);
    }

    const ipId = p.ipId;
    if (ipId >= 0) {
      const before = w[s + L.IP_ID]!;
      const step = (ipId - before) & 0xffff;
      if (ipId === 0) w[s + L.IP_ID_ZEROS]!++;
      else if (step > 0 && step <= 64) w[s + L.IP_ID_STEPS]!++;
      // An overtaken packet brings an earlier identification: the latest is kept.
      if (ipId === 0 || step < 0xff00) w[s + L.IP_ID] = (before & ~0xffff) | ipId;
      traits |= p.dontFragment ? L.SIDE_DF_SET : L.SIDE_DF_CLEAR;
    }

    let firstData = false;
    if (payload > 0) {
      d[sd + L.PAYLOAD_BYTES_D]! += payload;
      d[sd + L.LAST_DATA_TIME_D] = time;
      if (payload > w[s + L.LARGEST_SENT]!) {
        w[s + L.LARGEST_SENT] = payload;
        // a source in the kernel sees segments as offload has put them together, by its nature
        if (p.wireLength > WIRE_MTU_BYTES && payload > 1460 && !this.isSampled) traits |= L.SIDE_OVERSIZED;
      }
      H.addHistory(w, at, side, H.H_DATA);
      firstData =
        w[s + L.DATA_FRAME] === 0 ||
        // What follows a PROXY header in a segment of its own, but not that segment again.
        ((traits & L.SIDE_PROXY_HEADER) !== 0 && w[s + L.FIRST_LENGTH] === 0 && ((seq - w[s + L.BASE_SEQ]!) | 0) > 1);
    }
    if ((flags & (SYN | FIN)) !== 0) traits |= this.synOrFin(p);
    w[s + L.TRAITS] = traits;
    if ((flags & ACK) !== 0) this.acknowledgement(p, segment);
    if ((w[at + L.STATE]! & (L.LEG_RST_UP << side)) !== 0) this.log.add(this.legs, leg, AFTER_RESET, side, p, silence);
    w[s + L.LAST_SEQ] = seq;
    w[s + L.LAST_LENGTH] = segment;
    w[s + L.LAST_FLAGS] = flags;
    w[s + L.LAST_WINDOW] = p.window;
    return firstData;
  }

  private firstOfSide(p: Packet): number {
    const { w, d, s } = this;
    const sd = s >> 1;
    if (w[s + L.PACKETS] === 1) d[sd + L.FIRST_TIME_D] = p.time;
    d[sd + L.SYN_TIME_D] = Number.NaN;
    d[sd + L.DATA_TIME_D] = Number.NaN;
    d[sd + L.FIN_TIME_D] = Number.NaN;
    this.setMac(L.MAC, p);
    w[s + L.TTL] = Math.imul(p.ttl, 0x01010101);
    if (p.ipId >= 0) w[s + L.IP_ID] = (p.ipId << 16) | p.ipId;
    // An initial sequence number may be known already from what the other side acknowledged. A reset says nothing for
    // sure of who seems to send it: the next packet is the first again.
    return w[s + L.TRAITS]! | ((p.flags & RST) === 0 ? L.SIDE_SEEN : 0);
  }

  /**
   * The same packet again: on another stretch of its way, moments later with other MACs or TTL (a one-armed router,
   * layer-2 DSR), or captured twice. Where several packets were forwarded at once, their copies follow them in a row:
   * whatever comes on the copies' stretch, or with an identification of a moment ago, and brings nothing new is one.
   */
  private isCopy(p: Packet): boolean {
    const { w, d, s } = this;
    if (p.time - d[(s >> 1) + L.SIDE_LAST_TIME_D]! > COPY_WINDOW_NS) return false;
    const segment = p.payloadLength + ((p.flags >> 1) & 1) + (p.flags & FIN);
    if ((p.flags & RST) === 0 && (this.isOnCopyPath(p) || this.isOldDatagram(p))) {
      const isOld = ((p.seq + segment - w[s + L.NEXT_SEQ]!) | 0) <= 0;
      if ((w[s + L.TRAITS]! & L.SIDE_HOLE) !== 0 && segment > 0 && this.isInHole(p.seq)) return false;
      return isOld && ((p.flags & ACK) === 0 || ((p.ack - w[s + L.HIGHEST_ACK]!) | 0) <= 0);
    }
    if (p.seq !== w[s + L.LAST_SEQ] || p.flags !== w[s + L.LAST_FLAGS] || p.window !== w[s + L.LAST_WINDOW])
      return false;
    if (segment !== w[s + L.LAST_LENGTH]) return false;
    if (p.ipId >= 0 && p.ipId !== (w[s + L.IP_ID]! & 0xffff)) return false;
    // Resets have no identification on Linux: two in a row look alike unless they came another way.
    if ((p.flags & RST) !== 0) return p.ipId > 0 || p.ttl !== this.otherTtl(2) || !this.macIs(L.MAC, p);
    if ((p.flags & ACK) !== 0 && p.ack !== w[s + L.HIGHEST_ACK]) return false;
    const hasTimestamp = (p.optionsSeen & OPT_TIMESTAMPS) !== 0;
    if (hasTimestamp && p.tsValue !== w[s + L.TS_LAST]) return false;
    if (p.ipId > 0 || p.ttl !== w[s + L.TTL]! >>> 24 || !this.macIs(L.MAC, p)) return true;
    // Nothing numbers it (IPv6, an identification of 0): acknowledgments repeat in earnest, segments not so soon.
    return segment > 0 && (hasTimestamp || p.time - d[(s >> 1) + L.SIDE_LAST_TIME_D]! < TWIN_WINDOW_NS);
  }

  private isOnCopyPath(p: Packet): boolean {
    const { w, s } = this;
    if (w[s + L.COPIES] === 0 || !this.macIs(L.COPY_MAC, p) || p.ttl !== this.otherTtl(0)) return false;
    return !this.macIs(L.MAC, p) || p.ttl !== w[s + L.TTL]! >>> 24;
  }

  /** By identification the last datagram, or one shortly before it: what is sent again gets a new one. */
  private isOldDatagram(p: Packet): boolean {
    return p.ipId > 0 && ((this.w[this.s + L.IP_ID]! - p.ipId) & 0xffff) < 0x100;
  }

  /** Byte of OTHER_TTLS for the current side: `first` is 0 for the copies', 2 for the last reset's. */
  private otherTtl(first: number): number {
    return (this.w[this.at + L.OTHER_TTLS]! >>> ((first + this.side) * 8)) & 0xff;
  }

  private setOtherTtl(first: number, ttl: number): void {
    const shift = (first + this.side) * 8;
    const at = this.at + L.OTHER_TTLS;
    this.w[at] = (this.w[at]! & ~(0xff << shift)) | (ttl << shift);
  }

  /** Counts a copy, and logs it where the packets now leave this point for another MAC than before. */
  private copySeen(p: Packet): void {
    const { w, s } = this;
    const isFirst = (w[s + L.TRAITS]! & L.SIDE_COPIED) === 0;
    const copies = ++w[s + L.COPIES]!;
    w[s + L.TRAITS]! |= L.SIDE_COPIED;
    // captured twice on one stretch: that is no other one
    if (this.macIs(L.MAC, p) && p.ttl === w[s + L.TTL]! >>> 24) return;
    // With more copies than packets each passes more than twice, and the stretches take turns.
    if (copies > 1 && isFirst && copies * 2 <= w[s + L.PACKETS]! && !this.macIs(L.COPY_MAC, p)) {
      if (w[s + L.COPY_MAC + 1] !== w[s + L.MAC + 1] || w[s + L.COPY_MAC + 2] !== w[s + L.MAC + 2]) {
        this.moved(L.COPY_MAC, p);
      }
    }
    this.setMac(L.COPY_MAC, p);
    if ((p.flags & RST) === 0) this.setOtherTtl(0, p.ttl);
  }

  /** The packet's TTL or MACs differ from the last one's: keeps the TTL's range, and logs a change of MACs. */
  private pathChanged(p: Packet): void {
    const { w, s } = this;
    const ttl = w[s + L.TTL]!;
    if (ttl >>> 24 !== p.ttl) {
      const lowest = Math.min(ttl & 0xff, p.ttl);
      const highest = Math.max((ttl >>> 8) & 0xff, p.ttl);
      w[s + L.TTL] = (ttl & 0xff0000) | (highest << 8) | lowest | (p.ttl << 24);
    }
    if (this.macIs(L.MAC, p) || (w[s + L.COPIES] !== 0 && this.macIs(L.COPY_MAC, p))) return;
    this.moved(L.MAC, p);
    this.setMac(L.MAC, p);
  }

  /** Extra words: 0-2 the MACs before; 3 is 1 where they are those on which copies leave the point. */
  private moved(field: number, p: Packet): void {
    const { w, d, s } = this;
    w[s + L.MAC_CHANGES]!++;
    const event = this.log.add(this.legs, this.leg, MOVE, this.side, p, d[(s >> 1) + L.SIDE_LAST_TIME_D]!);
    for (let i = 0; i < 3; i++) this.log.setExtra(event, i, w[s + field + i]!);
    this.log.setExtra(event, 3, field === L.COPY_MAC ? 1 : 0);
  }

  private setMac(field: number, p: Packet): void {
    const at = this.s + field;
    this.w[at] = p.mac0;
    this.w[at + 1] = p.mac1;
    this.w[at + 2] = p.mac2;
  }

  private macIs(field: number, p: Packet): boolean {
    const at = this.s + field;
    return this.w[at] === p.mac0 && this.w[at + 1] === p.mac1 && this.w[at + 2] === p.mac2;
  }

  /**
   * A packet after a long silence: what answers it decides whether the silence was survived. Resets and what is sent
   * again end no silence that a timeout could have caused: the wait before them is the sender's own.
   */
  private silenceBroken(p: Packet): void {
    const { w, d, at, side } = this;
    const ld = at >> 1;
    if (w[at + L.GAP_FRAME] !== 0) {
      if (w[at + L.GAP_SIDE] === side) return; // sent again into the silence
      this.silenceAnswered(p.flags);
    }
    if ((p.flags & RST) !== 0 || this.isRepetition(p)) return;
    d[ld + L.GAP_START_D] = d[ld + L.LAST_TIME_D]!;
    d[ld + L.GAP_BREAK_TIME_D] = p.time;
    w[at + L.GAP_SIDE] = side;
    w[at + L.GAP_FRAME] = p.frame;
    w[at + L.GAP_EVENT] = 0;
    // A timeout shows in the longest silence that was survived: shorter ones are dispensable.
    const isRecord = p.time - d[ld + L.LAST_TIME_D]! > d[ld + L.GAP_SURVIVED_D]!;
    if (!isRecord && this.log.isCrowded(this.legs, this.leg)) return;
    w[at + L.GAP_EVENT] = this.log.add(this.legs, this.leg, SILENCE_BROKEN, side, p, d[ld + L.LAST_TIME_D]!) + 1;
  }

  /** True for sequence numbers that were sent before, keepalives apart. */
  private isRepetition(p: Packet): boolean {
    const { w, s } = this;
    const segment = p.payloadLength + ((p.flags >> 1) & 1) + (p.flags & FIN);
    if (segment === 0 || (w[s + L.TRAITS]! & L.SIDE_SEEN) === 0) return false;
    const ahead = (p.seq - w[s + L.NEXT_SEQ]!) | 0;
    return ahead < 0 && !isKeepalive(ahead, p);
  }

  private silenceAnswered(flags: number): void {
    const { w, d, at } = this;
    const ld = at >> 1;
    const event = w[at + L.GAP_EVENT]! - 1;
    w[at + L.GAP_FRAME] = 0;
    if ((flags & RST) !== 0) {
      this.log.setExtra(event, 0, SILENCE_RESET);
      return;
    }
    const silence = d[ld + L.GAP_BREAK_TIME_D]! - d[ld + L.GAP_START_D]!;
    if (silence > d[ld + L.GAP_SURVIVED_D]!) d[ld + L.GAP_SURVIVED_D] = silence;
    this.log.setExtra(event, 0, SILENCE_SURVIVED);
  }

  /** Anything but the next expected segment: a hole, its filling, a keepalive or a repetition. Returns the traits. */
  private outOfSequence(p: Packet, segment: number, traits: number): number {
    const { w, d, at, s, o } = this;
    const ahead = (p.seq - w[s + L.NEXT_SEQ]!) | 0;
    const end = (p.seq + segment) | 0;
    if ((p.flags & SYN) !== 0 && p.seq !== w[s + L.BASE_SEQ]) {
      // Another answer to the same SYN than before, from another server or out of TIME-WAIT: numbers start anew.
      w[s + L.BASE_SEQ] = p.seq;
      w[s + L.NEXT_SEQ] = end;
      w[o + L.TRAITS]! &= ~L.SIDE_HAS_ACK;
      return traits & ~(L.SIDE_HOLE | L.SIDE_HAS_ACK);
    }
    if (ahead > 0 && this.isSampled) {
      w[s + L.NEXT_SEQ] = end;
      return traits;
    }
    if (ahead > 0) {
      // Bytes in between were not seen (yet): lost before this point, overtaken, or missed by the capture.
      if ((traits & L.SIDE_HOLE) === 0) {
        w[s + L.HOLE_START] = w[s + L.NEXT_SEQ]!;
        d[(s >> 1) + L.HOLE_TIME_D] = p.time;
      }
      w[s + L.HOLE_END] = p.seq;
      w[s + L.NEXT_SEQ] = end;
      H.addHistory(w, at, this.side, H.H_GAP);
      return traits | L.SIDE_HOLE;
    }
    if (isKeepalive(ahead, p)) {
      w[s + L.KEEPALIVES]!++;
      return traits;
    }
    if (segment === 0) return traits;
    if (((end - w[s + L.NEXT_SEQ]!) | 0) > 0) w[s + L.NEXT_SEQ] = end;
    // The first segment is behind only what its receiver's acknowledgment, captured before it, gave away.
    if (w[s + L.PACKETS]! - w[s + L.COPIES]! - w[s + L.RESETS]! === 1) return traits;
    // Simultaneous open: the SYN's sequence number goes out again in a SYN-ACK (RFC 9293 3.5, figure 7).
    if ((p.flags & (SYN | ACK)) === (SYN | ACK) && (w[s + L.LAST_FLAGS]! & (SYN | ACK)) === SYN) return traits;
    if ((traits & L.SIDE_HOLE) !== 0 && this.isInHole(p.seq)) {
      w[s + L.HOLE_START] = end;
      if (this.wasOvertaken(p)) w[s + L.OUT_OF_ORDER]!++;
      else this.repeated(p);
      return ((end - w[s + L.HOLE_END]!) | 0) >= 0 ? traits & ~L.SIDE_HOLE : traits;
    }
    this.repeated(p);
    return traits;
  }

  private isInHole(seq: number): boolean {
    const { w, s } = this;
    return ((seq - w[s + L.HOLE_START]!) | 0) >= 0 && ((seq - w[s + L.HOLE_END]!) | 0) < 0;
  }

  /**
   * Was a segment that fills a hole sent before the ones that came first? The sender's identifications tell, where
   * they count up (more often than not); else the time since the hole was seen.
   */
  private wasOvertaken(p: Packet): boolean {
    const { w, d, s } = this;
    const age = p.time - d[(s >> 1) + L.HOLE_TIME_D]!;
    if (p.ipId > 0 && w[s + L.IP_ID_STEPS]! * 2 > w[s + L.PACKETS]! - w[s + L.COPIES]! - 2) {
      return age < 1e9 && ((w[s + L.IP_ID]! - p.ipId) & 0xffff) < 0x8000;
    }
    return age < REORDER_NS;
  }

  private repeated(p: Packet): void {
    const { w, d, at, s } = this;
    w[s + L.RETRANSMITS]!++;
    w[s + L.REPEATED_COUNT] = w[s + L.REPEATED_SEQ] === p.seq ? w[s + L.REPEATED_COUNT]! + 1 : 1;
    w[s + L.REPEATED_SEQ] = p.seq;
    H.addHistory(w, at, this.side, H.H_RETRANSMIT);
    this.log.add(this.legs, this.leg, RETRANSMIT, this.side, p, d[(s >> 1) + L.SIDE_LAST_TIME_D]!);
  }

  /** Returns the traits that a SYN's options add. */
  private synOrFin(p: Packet): number {
    const { w, d, at, s, side } = this;
    if ((p.flags & SYN) === 0) {
      w[at + L.STATE]! |= L.LEG_FIN_UP << side;
      H.addHistory(w, at, side, H.H_FIN);
      if (w[s + L.FIN_FRAME] === 0) {
        w[s + L.FIN_FRAME] = p.frame;
        d[(s >> 1) + L.FIN_TIME_D] = p.time;
      }
      return 0;
    }
    w[at + L.STATE]! |= side === 0 ? L.LEG_SYN : L.LEG_SYN_ACK;
    // A SYN after a reset tries again: the attempt goes on.
    if ((p.flags & ACK) === 0) w[at + L.STATE]! &= ~(L.LEG_RST_UP | L.LEG_RST_DOWN);
    H.addHistory(w, at, side, (p.flags & ACK) === 0 ? H.H_SYN : H.H_SYN_ACK);
    w[s + L.SYN_COUNT]!++;
    if (w[s + L.SYN_COUNT] !== 1) return 0;
    if (side === 1) this.inferBase(p.ack);
    d[(s >> 1) + L.SYN_TIME_D] = p.time;
    w[s + L.SYN_FRAME] = p.frame;
    const seen = p.optionsSeen;
    w[s + L.SYN_OPTIONS] = (seen & OPT_MSS ? p.mss : 0) | (seen & OPT_WINDOW_SCALE ? (p.windowScale + 1) << 16 : 0);
    return (seen & OPT_SACK_PERMITTED ? L.SIDE_SACK_PERMITTED : 0) | (seen & OPT_FAST_OPEN ? L.SIDE_FAST_OPEN : 0);
  }

  /** Sets the other side's initial sequence number, where none of its segments was seen, from its acknowledgment. */
  private inferBase(ack: number): void {
    const { w, o } = this;
    if ((w[o + L.TRAITS]! & L.SIDE_HAS_BASE) !== 0) return;
    w[o + L.TRAITS]! |= L.SIDE_HAS_BASE;
    w[o + L.BASE_SEQ] = (ack - 1) | 0;
    w[o + L.NEXT_SEQ] = ack;
  }

  private acknowledgement(p: Packet, segment: number): void {
    const { w, d, at, s, o, side } = this;
    const state = w[at + L.STATE]!;
    const ack = p.ack;
    const isFirst = (w[s + L.TRAITS]! & L.SIDE_HAS_ACK) === 0;
    const gain = (ack - w[s + L.HIGHEST_ACK]!) | 0;
    if (gain > 0 || isFirst) {
      w[s + L.HIGHEST_ACK] = ack;
      w[s + L.TRAITS]! |= L.SIDE_HAS_ACK;
      // Where only requests pass (DSR), the handshake's ACK tells the server's initial sequence number.
      if (isFirst && (state & (L.LEG_SYN | L.LEG_SYN_ACK)) === L.LEG_SYN) this.inferBase(ack);
      let beyond = (ack - w[o + L.NEXT_SEQ]!) | 0;
      if (beyond > 0 && this.isSampled && (w[o + L.TRAITS]! & L.SIDE_HAS_BASE) !== 0) {
        // what is acknowledged was sent, and kept back
        w[o + L.NEXT_SEQ] = ack;
        beyond = 0;
      }
      if ((w[o + L.TRAITS]! & L.SIDE_HAS_BASE) === 0 || beyond > 0) {
        w[s + L.ACKS_OF_UNSEEN]!++;
      } else if (beyond === 0) {
        w[o + L.LARGEST_ACKED] = w[o + L.LARGEST_SENT]!;
        const otherFin = L.LEG_FIN_UP << (1 - side);
        if ((state & otherFin) !== 0) w[at + L.STATE]! |= otherFin << 2;
      }
    } else if (
      gain === 0 &&
      segment === 0 &&
      p.window !== 0 &&
      p.window === w[s + L.LAST_WINDOW] &&
      ((w[o + L.NEXT_SEQ]! - ack) | 0) > 0
    ) {
      w[s + L.DUPLICATE_ACKS]!++;
    }
    if (segment === 0) H.addHistory(w, at, side, H.H_ACK);
    if (p.window === 0 && (p.flags & (SYN | FIN)) === 0) {
      w[s + L.ZERO_WINDOWS]!++;
      H.addHistory(w, at, side, H.H_ZERO_WINDOW);
    }
    if (side === 0 && (state & (L.LEG_SYN_ACK | L.LEG_ESTABLISHED)) === L.LEG_SYN_ACK && (p.flags & SYN) === 0) {
      w[at + L.STATE]! |= L.LEG_ESTABLISHED;
      d[(at >> 1) + L.HANDSHAKE_ACK_TIME_D] = p.time;
    }
  }

  /**
   * A reset, with the context in which it came; its own TTL and identification do not touch the side's fingerprint.
   * Extra words: 0 NEXT_SEQ of its side; 1-3 sequence, length and flags of the other side's last packet; 4 highest ack
   * of the other side, 5 of its own; 6 the leg's state before; 7 TTL range, 8 IP identification and 9 traits of its
   * side before; 10 NEXT_SEQ of the other side; 11 last window of its own side. Where the traits lack SIDE_SEEN, its
   * side had sent nothing but resets: 7 and 8 are then this reset's own.
   */
  private reset(p: Packet): void {
    const { w, d, at, s, o, log } = this;
    w[s + L.RESETS]!++;
    const event = log.add(this.legs, this.leg, RESET, this.side, p, d[(o >> 1) + L.SIDE_LAST_TIME_D]!);
    log.setExtra(event, 0, w[s + L.NEXT_SEQ]!);
    log.setExtra(event, 1, w[o + L.LAST_SEQ]!);
    log.setExtra(event, 2, w[o + L.LAST_LENGTH]!);
    log.setExtra(event, 3, w[o + L.LAST_FLAGS]!);
    log.setExtra(event, 4, w[o + L.HIGHEST_ACK]!);
    log.setExtra(event, 5, w[s + L.HIGHEST_ACK]!);
    log.setExtra(event, 6, w[at + L.STATE]!);
    log.setExtra(event, 7, w[s + L.TTL]!);
    log.setExtra(event, 8, w[s + L.IP_ID]!);
    log.setExtra(event, 9, w[s + L.TRAITS]!);
    log.setExtra(event, 10, w[o + L.NEXT_SEQ]!);
    log.setExtra(event, 11, w[s + L.LAST_WINDOW]!);
    w[at + L.STATE]! |= L.LEG_RST_UP << this.side;
    H.addHistory(w, at, this.side, H.H_RST);
    // So that a copy of the reset on its way is seen as one.
    this.setOtherTtl(2, p.ttl);
    if (p.ipId >= 0) w[s + L.IP_ID] = (w[s + L.IP_ID]! & ~0xffff) | p.ipId;
    w[s + L.LAST_SEQ] = p.seq;
    w[s + L.LAST_LENGTH] = p.payloadLength;
    w[s + L.LAST_FLAGS] = p.flags;
    w[s + L.LAST_WINDOW] = p.window;
  }
}

/** Zero bytes or one before the next sequence number (RFC 9293 3.8.4); `ahead` is the distance to that. */
function isKeepalive(ahead: number, p: Packet): boolean {
  return ahead === -1 && p.payloadLength <= 1 && (p.flags & (SYN | FIN)) === 0;
}
