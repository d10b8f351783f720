import { ACK, FIN, RST, SYN } from "../../decode/packet.ts";
import type { PacketEvent } from "./packet-event.ts";

/** A hole that is filled sooner was overtaken on the way; later it was sent again (as Wireshark has it). */
const REORDER_NS = 3e6;

/** What a segment is to the stream of its sender. */
export interface SegmentPlace {
  /** Sent before, or fills a hole long after it was left. */
  isAgain: boolean;
  isOvertaken: boolean;
  isKeepalive: boolean;
}

const IN_ORDER: SegmentPlace = { isAgain: false, isOvertaken: false, isKeepalive: false };

/** Follows one direction of one TCP session, to tell what was sent again. */
export class StreamState {
  /** Sequence number that the others are counted from; null before the first segment. */
  private base: number | null = null;
  private end = 0;
  private readonly starts = new Set<number>();
  private holeTime = Number.NaN;
  /** True once the sender said that it can take no more, until it can again. */
  isFull = false;
  hasSentData = false;

  /** Takes the next segment, in the order of time. */
  place(event: PacketEvent): SegmentPlace {
    const { flags, seq, length, time } = event;
    const size = length + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
    if ((flags & RST) !== 0) return IN_ORDER;
    // a SYN with another number starts anew: another server's answer, or the port's next life
    if (this.base === null || ((flags & SYN) !== 0 && seq !== this.base)) {
      this.base = seq;
      this.end = size;
      this.starts.clear();
      this.starts.add(0);
      return IN_ORDER;
    }
    const from = (seq - this.base) | 0;
    const isAck = (flags & (SYN | FIN | ACK)) === ACK;
    if (isAck && length <= 1 && from === this.end - 1 && this.end > 1 && !(length === 1 && !this.hasSentData)) {
      return { isAgain: false, isOvertaken: false, isKeepalive: true };
    }
    if (size === 0) return IN_ORDER;
    const isNew = from + size > this.end;
    if (isNew && from > this.end) this.holeTime = time;
    const isKnown = this.starts.has(from);
    this.starts.add(from);
    this.end = Math.max(this.end, from + size);
    if (isNew && from >= 0) return IN_ORDER;
    if (from < 0) return IN_ORDER;
    const isOvertaken = !isKnown && time - this.holeTime < REORDER_NS;
    return { isAgain: !isOvertaken, isOvertaken, isKeepalive: false };
  }
}
