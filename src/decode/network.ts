import { IP_IN_IP } from "./encapsulation.ts";
import type { FragmentTable } from "./fragments.ts";
import { cutShort, DONE, GRE_HEADER, IPV4, IPV6, TRANSPORT } from "./next.ts";
import { destinationOptions, ipv4Options } from "./original-destination.ts";
import { IS_FRAGMENT, MAPPED, NOTHING, type Packet, TCP, UDP } from "./packet.ts";

const PROTOCOL_IPV4 = 4;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_GRE = 47;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const HOST_IDENTITY = 139;
const SHIM6 = 140;
/** No real packet carries more; a longer chain is made to slow parsers down. */
const MAX_EXTENSION_HEADERS = 12;

/** The version nibble decides: raw IP links, GUE variant 1 and FOU. */
export function ipAny(p: Packet, view: DataView): number {
  if (p.offset >= p.end) return cutShort(p);
  const version = view.getUint8(p.offset) >>> 4;
  return version === 4 ? IPV4 : version === 6 ? IPV6 : DONE;
}

/** IPv4 header (RFC 791). */
export function ipv4(p: Packet, view: DataView, fragments: FragmentTable): number {
  const at = p.offset;
  if (at + 20 > p.end) return cutShort(p);
  const first = view.getInt32(at);
  const headerLength = ((first >>> 24) & 0xf) * 4;
  if (first >>> 28 !== 4 || headerLength < 20) return DONE;
  const totalLength = first & 0xffff;
  const second = view.getInt32(at + 4);
  p.ipVersion = 4;
  p.ttl = view.getUint8(at + 8);
  p.protocol = view.getUint8(at + 9);
  p.ipId = second >>> 16;
  p.dontFragment = (second & 0x4000) !== 0;
  p.src0 = 0;
  p.src1 = 0;
  p.src2 = MAPPED;
  p.src3 = view.getInt32(at + 12);
  p.dst0 = 0;
  p.dst1 = 0;
  p.dst2 = MAPPED;
  p.dst3 = view.getInt32(at + 16);
  // Length 0 is what segmentation offload leaves in a capture taken before the NIC: what is around ends the datagram.
  if (totalLength !== 0) {
    if (totalLength < headerLength) return DONE;
    p.datagramEnd = at + totalLength;
  }
  // Ethernet pads short frames: what lies beyond the datagram is not payload.
  if (p.datagramEnd < p.end) p.end = p.datagramEnd;
  p.offset = at + headerLength;
  p.fragmentOffset = (second & 0x1fff) * 8;
  p.moreFragments = (second & 0x2000) !== 0;
  if (p.offset > p.end) return cutShort(p);
  if (headerLength > 20) ipv4Options(p, view, at + 20, p.offset);
  if ((second & 0x3fff) !== 0) {
    p.fragmentId = second >>> 16;
    if (p.fragmentOffset !== 0) return laterFragment(p, fragments);
  }
  return nextProtocol(p);
}

/** IPv6 header and its extension headers (RFC 8200). */
export function ipv6(p: Packet, view: DataView, fragments: FragmentTable): number {
  const at = p.offset;
  if (at + 40 > p.end) return cutShort(p);
  const first = view.getInt32(at);
  if (first >>> 28 !== 6) return DONE;
  const payloadLength = view.getUint16(at + 4);
  p.ipVersion = 6;
  p.ttl = view.getUint8(at + 7);
  p.ipId = -1;
  p.flowLabel = first & 0xfffff;
  p.dontFragment = true;
  p.src0 = view.getInt32(at + 8);
  p.src1 = view.getInt32(at + 12);
  p.src2 = view.getInt32(at + 16);
  p.src3 = view.getInt32(at + 20);
  p.dst0 = view.getInt32(at + 24);
  p.dst1 = view.getInt32(at + 28);
  p.dst2 = view.getInt32(at + 32);
  p.dst3 = view.getInt32(at + 36);
  p.fragmentOffset = 0;
  p.moreFragments = false;
  // Payload length 0: a jumbogram, or segmentation offload: what is around ends the datagram.
  if (payloadLength !== 0) p.datagramEnd = at + 40 + payloadLength;
  if (p.datagramEnd < p.end) p.end = p.datagramEnd;
  p.protocol = view.getUint8(at + 6);
  p.offset = at + 40;
  return p.protocol === TCP || p.protocol === UDP ? TRANSPORT : extensionHeaders(p, view, fragments);
}

function extensionHeaders(p: Packet, view: DataView, fragments: FragmentTable): number {
  for (let count = 0; count < MAX_EXTENSION_HEADERS; count++) {
    const at = p.offset;
    switch (p.protocol) {
      case HOP_BY_HOP:
      case ROUTING:
      case DESTINATION_OPTIONS:
      case MOBILITY:
      case HOST_IDENTITY:
      case SHIM6:
        if (at + 8 > p.end) return cutShort(p);
        if (p.protocol === DESTINATION_OPTIONS) destinationOptions(p, view, at);
        p.protocol = view.getUint8(at);
        p.offset = at + (view.getUint8(at + 1) + 1) * 8;
        break;
      case AUTHENTICATION:
        if (at + 8 > p.end) return cutShort(p);
        p.protocol = view.getUint8(at);
        p.offset = at + (view.getUint8(at + 1) + 2) * 4;
        break;
      case FRAGMENT: {
        if (at + 8 > p.end) return cutShort(p);
        p.protocol = view.getUint8(at);
        const field = view.getUint16(at + 2);
        p.fragmentOffset = field & 0xfff8;
        p.moreFragments = (field & 1) !== 0;
        p.fragmentId = view.getInt32(at + 4);
        p.offset = at + 8;
        if (p.fragmentOffset !== 0) return p.offset > p.end ? cutShort(p) : laterFragment(p, fragments);
        break;
      }
      default:
        return p.offset > p.end ? cutShort(p) : nextProtocol(p);
    }
    if (p.offset > p.end) return cutShort(p);
  }
  return DONE;
}

/** Another IP header or GRE makes this one a tunnel's outer header. */
function nextProtocol(p: Packet): number {
  switch (p.protocol) {
    case PROTOCOL_IPV4:
      return pushOuter(p, IP_IN_IP, -1, 0) ? IPV4 : DONE;
    case PROTOCOL_IPV6:
      return pushOuter(p, IP_IN_IP, -1, 0) ? IPV6 : DONE;
    case PROTOCOL_GRE:
      return GRE_HEADER;
    default:
      return TRANSPORT;
  }
}

/** Turns the IP header just read into a layer of the encapsulation stack. False where the stack is full. */
export function pushOuter(p: Packet, kind: number, id: number, srcPort: number): boolean {
  const pushed = p.encapsulation.pushTunnel(
    kind,
    id,
    p.ipVersion,
    srcPort,
    p.src0,
    p.src1,
    p.src2,
    p.src3,
    p.dst0,
    p.dst1,
    p.dst2,
    p.dst3,
  );
  // What the record holds now belongs to the outer header.
  if (pushed) p.ipVersion = 0;
  return pushed;
}

/** A later fragment has no ports: those of its first fragment are used, where that was seen. */
function laterFragment(p: Packet, fragments: FragmentTable): number {
  p.payloadLength = Math.max(0, p.datagramEnd - p.offset);
  p.payloadOffset = p.offset;
  p.payloadCaptured = 0;
  p.kind = fragments.find(p) ? IS_FRAGMENT : NOTHING;
  return DONE;
}
