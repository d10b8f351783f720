import { ERSPAN, FOU, GENEVE, GRE, GUE, VXLAN } from "./encapsulation.ts";
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_TEB } from "./ethernet.ts";
import { pushOuter } from "./network.ts";
import { cutShort, DONE, ETHER_TYPE, ETHERNET, IP_ANY, IPV4, IPV6 } from "./next.ts";
import { geneveOptions } from "./original-destination.ts";
import { ICMPV6, NOTHING, type Packet, TCP, UDP } from "./packet.ts";

const ETHERTYPE_ERSPAN_2 = 0x88be;
const ETHERTYPE_ERSPAN_3 = 0x22eb;
/** What a router redirects to a cache or load balancer by WCCP. */
const ETHERTYPE_WCCP = 0x883e;
const PORT_VXLAN = 4789;
/** What Linux used before IANA's assignment, and flannel still does. */
const PORT_VXLAN_LINUX = 8472;
const PORT_GENEVE = 6081;
const PORT_GUE = 6080;
const PORT_TEREDO = 3544;
const IP_PROTOCOL_IPV4 = 4;
const IP_PROTOCOL_IPV6 = 41;
const IP_PROTOCOL_GRE = 47;
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
/** 2001::/32 (RFC 4380) and 64:ff9b::/32. */
const PREFIX_TEREDO = 0x20010000;
const PREFIX_TRANSLATED = 0x0064ff9b;

/** GRE (RFC 2784, 2890), and ERSPAN types II and III inside it. */
export function gre(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 4 > p.end) return cutShort(p);
  const flags = view.getUint16(at);
  const protocol = view.getUint16(at + 2);
  // Version 1 is PPTP's; routing (RFC 1701) was never used.
  if ((flags & 0x4007) !== 0) return DONE;
  at += 4;
  if (flags & 0x8000) at += 4;
  let key = -1;
  if (flags & 0x2000) {
    if (at + 4 > p.end) return cutShort(p);
    key = view.getInt32(at);
    at += 4;
  }
  const sequenced = (flags & 0x1000) !== 0;
  if (sequenced) at += 4;
  if (protocol === ETHERTYPE_ERSPAN_2 || protocol === ETHERTYPE_ERSPAN_3) {
    return erspan(p, view, at, protocol, sequenced);
  }
  if (at > p.end) return cutShort(p);
  // WCCP 2 puts a word in front of the packet, WCCP 1 does not (draft-mclaggan-wccp-v2rev1 4.12).
  if (protocol === ETHERTYPE_WCCP && at < p.end && view.getUint8(at) >>> 4 !== 4) at += 4;
  if (!pushOuter(p, GRE, key, 0)) return DONE;
  p.offset = at;
  if (protocol === ETHERTYPE_WCCP) return IP_ANY;
  if (protocol === ETHERTYPE_TEB) return ETHERNET;
  p.etherType = protocol;
  return ETHER_TYPE;
}

/** draft-foschiano-erspan-03: type I has no header, II 8 bytes, III 12 and an optional 8. */
function erspan(p: Packet, view: DataView, start: number, protocol: number, sequenced: boolean): number {
  let at = start;
  let session = 0;
  if (protocol === ETHERTYPE_ERSPAN_3) {
    if (at + 12 > p.end) return cutShort(p);
    session = view.getUint16(at + 2) & 0x3ff;
    at += view.getUint8(at + 11) & 1 ? 20 : 12;
  } else if (sequenced) {
    if (at + 8 > p.end) return cutShort(p);
    session = view.getUint16(at + 2) & 0x3ff;
    at += 8;
  }
  if (at > p.end) return cutShort(p);
  if (!pushOuter(p, ERSPAN, session, 0)) return DONE;
  p.offset = at;
  return ETHERNET;
}

/**
 * UDP payloads that are tunnels. VXLAN, Geneve and GUE by their port; GUE and FOU on other ports (GLB 19523, katran
 * 9886, anything an operator chose) only where an inner IP header fits the datagram to the byte. Teredo is left alone.
 */
export function udpPayload(p: Packet, view: DataView): number {
  const at = p.payloadOffset;
  if (p.payloadCaptured < 8) return DONE;
  switch (p.dstPort) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
      return vxlan(p, view, at);
    case PORT_GENEVE:
      return geneve(p, view, at);
    case PORT_TEREDO:
      return DONE;
    default:
      return p.srcPort === PORT_TEREDO ? DONE : gueOrFou(p, view, at);
  }
}

/** RFC 7348: the I flag says that the VNI is valid. */
function vxlan(p: Packet, view: DataView, at: number): number {
  if ((view.getUint8(at) & 0x08) === 0) return DONE;
  return enter(p, VXLAN, view.getUint32(at + 4) >>> 8, at + 8, ETHERNET);
}

/** RFC 8926. Anything else may be sent to or from its port: only what carries Ethernet or IP is taken for Geneve. */
function geneve(p: Packet, view: DataView, at: number): number {
  const first = view.getUint8(at);
  const protocol = view.getUint16(at + 2);
  const next = protocol === ETHERTYPE_TEB ? ETHERNET : protocol === ETHERTYPE_IPV4 ? IPV4 : IPV6;
  if (first >>> 6 !== 0 || (next === IPV6 && protocol !== ETHERTYPE_IPV6)) return DONE;
  const inner = at + 8 + (first & 0x3f) * 4;
  if (inner > p.end) return cutShort(p);
  if (inner > at + 8) geneveOptions(p, view, at + 8, inner);
  return enter(p, GENEVE, view.getUint32(at + 4) >>> 8, inner, next);
}

/** draft-ietf-intarea-gue-09: variant 0 has a header (GLB puts its hops into its private data), variant 1 is bare IP. */
function gueOrFou(p: Packet, view: DataView, at: number): number {
  const first = view.getUint8(at);
  const known = p.dstPort === PORT_GUE;
  const nibble = first >>> 4;
  if (nibble === 4 || nibble === 6) {
    if (!innerIpFits(p, view, at, nibble, known)) return DONE;
    return enter(p, known ? GUE : FOU, -1, at, nibble === 4 ? IPV4 : IPV6);
  }
  // Variant 0, data (not control): header length in words, then an IP protocol.
  if (first >>> 5 !== 0) return DONE;
  const protocol = view.getUint8(at + 1);
  if (protocol !== IP_PROTOCOL_IPV4 && protocol !== IP_PROTOCOL_IPV6) return DONE;
  const inner = at + 4 + (first & 0x1f) * 4;
  const version = protocol === IP_PROTOCOL_IPV4 ? 4 : 6;
  if (!innerIpFits(p, view, inner, version, known)) return DONE;
  return enter(p, GUE, -1, inner, version === 4 ? IPV4 : IPV6);
}

/**
 * Is there an IP header of this version that fits into the datagram? On a port that is not assigned to the tunnel it
 * must fill the datagram (no first fragment's does), and an IPv4 header's checksum or an IPv6 header's addresses be right too, so that no payload
 * is taken for a packet by chance.
 */
function innerIpFits(p: Packet, view: DataView, at: number, version: number, isAssigned: boolean): boolean {
  const rest = p.datagramEnd - at;
  if (version === 4) {
    if (at + 20 > p.end || view.getUint8(at) >>> 4 !== 4) return false;
    const headerLength = (view.getUint8(at) & 0xf) * 4;
    const length = view.getUint16(at + 2);
    if (isAssigned) return headerLength >= 20 && (length <= rest || p.moreFragments);
    return (
      headerLength >= 20 &&
      length === rest &&
      at + headerLength <= p.end &&
      headerSum(view, at, headerLength) === 0xffff
    );
  }
  if (at + 40 > p.end || view.getUint8(at) >>> 4 !== 6) return false;
  const length = view.getUint16(at + 4) + 40;
  if (isAssigned) return length <= rest || p.moreFragments;
  return (
    length === rest &&
    isUsualNext(view.getUint8(at + 6)) &&
    isHost6(view.getInt32(at + 8)) &&
    isHost6(view.getInt32(at + 24))
  );
}

/** A next header that a tunnelled packet may well have: a transport, an extension header or another tunnel. */
function isUsualNext(nextHeader: number): boolean {
  switch (nextHeader) {
    case TCP:
    case UDP:
    case ICMPV6:
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case DESTINATION_OPTIONS:
    case IP_PROTOCOL_IPV4:
    case IP_PROTOCOL_IPV6:
    case IP_PROTOCOL_GRE:
      return true;
    default:
      return false;
  }
}

/**
 * Does an address that begins with this word belong to a host: global (but not Teredo's, whose tunnels are left alone
 * on any port), unique local, link-local, or an IPv4 host behind a translator (RFC 6052)? A DNS query of 41 bytes with
 * one question looks like IPv6 in every respect but this.
 */
function isHost6(word: number): boolean {
  if (word === PREFIX_TEREDO) return false;
  return word >>> 29 === 1 || word >>> 25 === 0x7e || word >>> 22 === 0x3fa || word === PREFIX_TRANSLATED;
}

function headerSum(view: DataView, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function enter(p: Packet, kind: number, id: number, inner: number, next: number): number {
  if (!pushOuter(p, kind, id, p.srcPort)) return DONE;
  p.kind = NOTHING;
  p.offset = inner;
  return next;
}
