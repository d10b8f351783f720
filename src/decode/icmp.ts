import { cutShort, DONE } from "./next.ts";
import { IS_ARP, IS_ICMP, MAPPED, type Packet, TCP, UDP } from "./packet.ts";

const UNREACHABLE_4 = 3;
const SOURCE_QUENCH = 4;
const REDIRECT = 5;
const TIME_EXCEEDED_4 = 11;
const PARAMETER_PROBLEM_4 = 12;
const FRAGMENTATION_NEEDED = 4;
const TOO_BIG = 2;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const OPTION_SOURCE_LINK = 1;
const OPTION_TARGET_LINK = 2;

/** ICMP (RFC 792): what it says and, for errors, the flow it quotes. */
export function icmp4(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 8 > p.end) return cutShort(p);
  header(p, view, at);
  const type = p.icmpType;
  if (type === UNREACHABLE_4 && p.icmpCode === FRAGMENTATION_NEEDED) p.icmpMtu = view.getUint16(at + 6);
  if (
    type === UNREACHABLE_4 ||
    type === SOURCE_QUENCH ||
    type === REDIRECT ||
    type === TIME_EXCEEDED_4 ||
    type === PARAMETER_PROBLEM_4
  ) {
    quoted4(p, view, at + 8);
  }
  return DONE;
}

/** ICMPv6 (RFC 4443), and neighbour discovery (RFC 4861) in the fields of ARP. */
export function icmp6(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 8 > p.end) return cutShort(p);
  header(p, view, at);
  if (p.icmpType === TOO_BIG) p.icmpMtu = view.getInt32(at + 4);
  if (p.icmpType < 128) quoted6(p, view, at + 8);
  else if (p.icmpType === NEIGHBOUR_SOLICITATION || p.icmpType === NEIGHBOUR_ADVERTISEMENT) neighbour(p, view, at);
  return DONE;
}

function header(p: Packet, view: DataView, at: number): void {
  p.kind = IS_ICMP;
  p.icmpType = view.getUint8(at);
  p.icmpCode = view.getUint8(at + 1);
  p.icmpMtu = 0;
  p.quotes = false;
  p.payloadLength = Math.max(0, p.datagramEnd - at - 8);
}

function quoted4(p: Packet, view: DataView, at: number): void {
  if (at + 20 > p.end || view.getUint8(at) >>> 4 !== 4) return;
  p.quotedProtocol = view.getUint8(at + 9);
  p.quotedSrc0 = 0;
  p.quotedSrc1 = 0;
  p.quotedSrc2 = MAPPED;
  p.quotedSrc3 = view.getInt32(at + 12);
  p.quotedDst0 = 0;
  p.quotedDst1 = 0;
  p.quotedDst2 = MAPPED;
  p.quotedDst3 = view.getInt32(at + 16);
  // a later fragment has no ports to quote
  if ((view.getUint16(at + 6) & 0x1fff) === 0) quotedPorts(p, view, at + (view.getUint8(at) & 0xf) * 4);
}

function quoted6(p: Packet, view: DataView, at: number): void {
  if (at + 40 > p.end || view.getUint8(at) >>> 4 !== 6) return;
  p.quotedProtocol = view.getUint8(at + 6);
  p.quotedSrc0 = view.getInt32(at + 8);
  p.quotedSrc1 = view.getInt32(at + 12);
  p.quotedSrc2 = view.getInt32(at + 16);
  p.quotedSrc3 = view.getInt32(at + 20);
  p.quotedDst0 = view.getInt32(at + 24);
  p.quotedDst1 = view.getInt32(at + 28);
  p.quotedDst2 = view.getInt32(at + 32);
  p.quotedDst3 = view.getInt32(at + 36);
  quotedPorts(p, view, at + 40);
}

/** An error quotes at least 8 bytes of the transport header: ports and, for TCP, the sequence number. */
function quotedPorts(p: Packet, view: DataView, at: number): void {
  if (p.quotedProtocol !== TCP && p.quotedProtocol !== UDP) return;
  if (at + 4 > p.end) return;
  p.quotedSrcPort = view.getUint16(at);
  p.quotedDstPort = view.getUint16(at + 2);
  p.quotedSeq = at + 8 <= p.end ? view.getInt32(at + 4) : 0;
  p.quotes = true;
}

/** A solicitation or advertisement with a link-layer address says the same as ARP does. */
function neighbour(p: Packet, view: DataView, at: number): void {
  if (at + 24 > p.end) return;
  const advertisement = p.icmpType === NEIGHBOUR_ADVERTISEMENT;
  let option = at + 24;
  let high = 0;
  let low = 0;
  while (option + 8 <= p.end) {
    const type = view.getUint8(option);
    const length = view.getUint8(option + 1) * 8;
    if (length === 0) return;
    if (type === (advertisement ? OPTION_TARGET_LINK : OPTION_SOURCE_LINK)) {
      high = view.getUint16(option + 2);
      low = view.getInt32(option + 4);
    }
    option += length;
  }
  if (high === 0 && low === 0) return;
  const t0 = view.getInt32(at + 8);
  const t1 = view.getInt32(at + 12);
  const t2 = view.getInt32(at + 16);
  const t3 = view.getInt32(at + 20);
  // An advertisement speaks of its target; a solicitation of its sender.
  p.dst0 = t0;
  p.dst1 = t1;
  p.dst2 = t2;
  p.dst3 = t3;
  if (advertisement) {
    p.src0 = t0;
    p.src1 = t1;
    p.src2 = t2;
    p.src3 = t3;
  }
  p.arpOperation = advertisement ? 2 : 1;
  p.arpSenderHigh = high;
  p.arpSenderLow = low;
  p.kind = IS_ARP;
}
