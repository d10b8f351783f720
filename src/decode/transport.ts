import type { FragmentTable } from "./fragments.ts";
import { icmp4, icmp6 } from "./icmp.ts";
import { cutShort, DONE, UDP_PAYLOAD } from "./next.ts";
import { ICMP, ICMPV6, IS_TCP, IS_UDP, OPT_TIMESTAMPS, type Packet, TCP, UDP, VRRP } from "./packet.ts";
import { tcpOptions } from "./tcp-options.ts";
import { vrrp } from "./vrrp.ts";

/** Two NOPs and a timestamp option of 10 bytes: what nearly every established segment carries (RFC 7323 appendix A). */
const NOP_NOP_TIMESTAMPS = 0x0101080a;

/** The header after IP, by `packet.protocol`. */
export function transport(p: Packet, view: DataView, fragments: FragmentTable): number {
  switch (p.protocol) {
    case TCP:
      return tcp(p, view, fragments);
    case UDP:
      return udp(p, view, fragments);
    case ICMP:
      return icmp4(p, view);
    case ICMPV6:
      return icmp6(p, view);
    case VRRP:
      return vrrp(p, view);
    default:
      return DONE;
  }
}

/** TCP header and options (RFC 9293 3.1). */
function tcp(p: Packet, view: DataView, fragments: FragmentTable): number {
  const at = p.offset;
  if (at + 20 > p.end) return cutShort(p);
  const ports = view.getInt32(at);
  p.srcPort = ports >>> 16;
  p.dstPort = ports & 0xffff;
  p.seq = view.getInt32(at + 4);
  p.ack = view.getInt32(at + 8);
  const word = view.getInt32(at + 12);
  const headerLength = (word >>> 28) * 4;
  if (headerLength < 20) return DONE;
  p.flags = (word >>> 16) & 0xff;
  p.window = word & 0xffff;
  p.optionsSeen = 0;
  p.toaKind = 0;
  if (headerLength > 20) {
    if (headerLength === 32 && at + 32 <= p.end && view.getInt32(at + 20) === NOP_NOP_TIMESTAMPS) {
      p.optionsSeen = OPT_TIMESTAMPS;
      p.tsValue = view.getInt32(at + 24);
      p.tsEcho = view.getInt32(at + 28);
    } else {
      tcpOptions(p, view, at + 20, at + headerLength);
    }
  }
  const payload = at + headerLength;
  p.payloadOffset = payload;
  const length = p.datagramEnd - payload;
  p.payloadLength = Math.max(length, 0);
  const captured = p.end - payload;
  p.payloadCaptured = Math.max(captured, 0);
  if (captured < 0) p.cut = true;
  if (p.moreFragments) fragments.remember(p);
  p.kind = IS_TCP;
  return DONE;
}

/** UDP header (RFC 768). Its length counts only where it is less than the datagram's: 0 and lies occur. */
function udp(p: Packet, view: DataView, fragments: FragmentTable): number {
  const at = p.offset;
  if (at + 8 > p.end) return cutShort(p);
  const ports = view.getInt32(at);
  p.srcPort = ports >>> 16;
  p.dstPort = ports & 0xffff;
  const length = view.getUint16(at + 4);
  const end = length >= 8 && at + length < p.datagramEnd ? at + length : p.datagramEnd;
  p.payloadOffset = at + 8;
  p.payloadLength = Math.max(0, end - at - 8);
  p.payloadCaptured = Math.max(0, Math.min(end, p.end) - at - 8);
  p.offset = at + 8;
  p.kind = IS_UDP;
  if (p.moreFragments) fragments.remember(p);
  return UDP_PAYLOAD;
}
