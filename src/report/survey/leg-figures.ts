import { UDP } from "../../decode/packet.ts";
import * as L from "../../flow/leg-layout.ts";
import type { LegView } from "../../flow/leg-view.ts";

const RESET_SEEN = L.LEG_RST_UP | L.LEG_RST_DOWN;
const OPENING_SEEN = L.LEG_SYN | L.LEG_SYN_ACK;

/**
 * What the survey counts of one leg: one record, read anew for each. It reads the leg's own record in one go and not by
 * a view, for a capture has hundreds of thousands of legs and is often over before the compiler has warmed to the views.
 */
export class LegFigures {
  /** Address and port of the opener, as mapped words. */
  src0 = 0;
  src1 = 0;
  src2 = 0;
  src3 = 0;
  /** What it called. */
  dst0 = 0;
  dst1 = 0;
  dst2 = 0;
  dst3 = 0;
  dstPort = 0;
  protocol = 0;
  /** Index into the shard's points. */
  point = 0;
  /** The opening was seen, so the conversation began while the capture ran. */
  isNew = false;
  hasReset = false;
  /** Packets of one direction only were seen. */
  isOneWay = false;
  resetsUp = 0;
  resetsDown = 0;
  /** Of both directions, as all that follow; copies are left out of packets, not of bytes on the wire. */
  packets = 0;
  retransmits = 0;
  wireBytes = 0.5;
  payloadBytes = 0.5;
  /** Nanoseconds from the SYN to the ACK that completes the handshake, NaN where one of them was not seen. */
  handshake = 0.5;
  /**
   * Nanoseconds from the request's first byte to the answer's; from the handshake's end where the server speaks first.
   * NaN where one of them was not seen.
   */
  firstByte = 0.5;

  read(leg: LegView): void {
    const { legs } = leg.tracker;
    const w = legs.words(leg.leg);
    const d = legs.doubles(leg.leg);
    const at = legs.base(leg.leg);
    const up = at + L.SIDE_0;
    const down = at + L.SIDE_1;
    const upD = up >> 1;
    const downD = down >> 1;
    const address = at + L.ADDRESS;
    this.src0 = w[address]!;
    this.src1 = w[address + 1]!;
    this.src2 = w[address + 2]!;
    this.src3 = w[address + 3]!;
    this.dst0 = w[address + 4]!;
    this.dst1 = w[address + 5]!;
    this.dst2 = w[address + 6]!;
    this.dst3 = w[address + 7]!;
    this.dstPort = w[at + L.PORTS]! & 0xffff;
    this.protocol = w[at + L.PROTOCOL]!;
    this.point = w[at + L.POINT]!;
    const state = w[at + L.STATE]!;
    this.isNew = (state & OPENING_SEEN) !== 0 || this.protocol === UDP;
    this.hasReset = (state & RESET_SEEN) !== 0;
    this.resetsUp = w[up + L.RESETS]!;
    this.resetsDown = w[down + L.RESETS]!;
    const upPackets = w[up + L.PACKETS]!;
    const downPackets = w[down + L.PACKETS]!;
    this.isOneWay = upPackets === 0 || downPackets === 0;
    this.packets = upPackets + downPackets - w[up + L.COPIES]! - w[down + L.COPIES]!;
    this.retransmits = w[up + L.RETRANSMITS]! + w[down + L.RETRANSMITS]!;
    this.wireBytes = d[upD + L.WIRE_BYTES_D]! + d[downD + L.WIRE_BYTES_D]!;
    this.payloadBytes = d[upD + L.PAYLOAD_BYTES_D]! + d[downD + L.PAYLOAD_BYTES_D]!;
    this.handshake = Number.NaN;
    this.firstByte = Number.NaN;
    // times of a side that sent nothing are 0, not NaN
    if (this.isOneWay) return;
    const handshakeAck = d[(at >> 1) + L.HANDSHAKE_ACK_TIME_D]!;
    this.handshake = handshakeAck - d[upD + L.SYN_TIME_D]!;
    const answer = d[downD + L.DATA_TIME_D]!;
    const request = d[upD + L.DATA_TIME_D]!;
    this.firstByte = answer - (request <= answer || this.protocol === UDP ? request : handshakeAck);
  }
}
