import { ERSPAN, FOU, GENEVE, GRE, GUE, VXLAN } from "./encapsulation.ts";
import { pushOuter } from "./network.ts";
import { DONE, ETHER_TYPE, ETHERNET, IPV4, IPV6 } from "./next.ts";
import { NOTHING, type Packet } from "./packet.ts";

const ETHERTYPE_TEB = 0x6558;
const ETHERTYPE_ERSPAN_2 = 0x88be;
const ETHERTYPE_ERSPAN_3 = 0x22eb;
const PORT_VXLAN = 4789;
/** What Linux used before IANA's assignment, and flannel still does. */
const PORT_VXLAN_LINUX = 8472;
const PORT_GENEVE = 6081;
const PORT_GUE = 6080;
const PORT_TEREDO = 3544;
const IP_PROTOCOL_IPV4 = 4;
const IP_PROTOCOL_IPV6 = 41;

/** GRE (RFC 2784, 2890), and ERSPAN types II and III inside it. */
export function gre(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 4 > p.end) return cut(p);
  const flags = view.getUint16(at);
  const protocol = view.getUint16(at + 2);
  // Version 1 is PPTP's; routing (RFC 1701) was never used.
  if ((flags & 0x4007) !== 0) return DONE;
  at += 4;
  if (flags & 0x8000) at += 4;
  let key = -1;
  if (flags & 0x2000) {
    if (at + 4 > p.end) return cut(p);
    key = view.getInt32(at);
    at += 4;
  }
  const sequenced = (flags & 0x1000) !== 0;
  if (sequenced) at += 4;
  if (protocol === ETHERTYPE_ERSPAN_2 || protocol === ETHERTYPE_ERSPAN_3) {
    return erspan(p, view, at, protocol, sequenced);
  }
  if (at > p.end) return cut(p);
  if (!pushOuter(p, GRE, key, 0)) return DONE;
  p.offset = at;
  if (protocol === ETHERTYPE_TEB) return ETHERNET;
  p.etherType = protocol;
  return ETHER_TYPE;
}

/** draft-foschiano-erspan-03: type I has no header, II 8 bytes, III 12 and an optional 8. */
function erspan(p: Packet, view: DataView, start: number, protocol: number, sequenced: boolean): number {
  let at = start;
  let session = 0;
  if (protocol === ETHERTYPE_ERSPAN_3) {
    if (at + 12 > p.end) return cut(p);
    session = view.getUint16(at + 2) & 0x3ff;
    at += view.getUint8(at + 11) & 1 ? 20 : 12;
  } else if (sequenced) {
    if (at + 8 > p.end) return cut(p);
    session = view.getUint16(at + 2) & 0x3ff;
    at += 8;
  }
  if (at > p.end) return cut(p);
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

/** RFC 8926. */
function geneve(p: Packet, view: DataView, at: number): number {
  const first = view.getUint8(at);
  if (first >>> 6 !== 0) return DONE;
  const protocol = view.getUint16(at + 2);
  const inner = at + 8 + (first & 0x3f) * 4;
  if (inner > p.end) return cut(p);
  p.etherType = protocol;
  return enter(p, GENEVE, view.getUint32(at + 4) >>> 8, inner, protocol === ETHERTYPE_TEB ? ETHERNET : ETHER_TYPE);
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
 * Is there an IP header of this version whose length is the rest of the datagram? On a port that is not assigned to
 * the tunnel an IPv4 header's checksum must be right too, so that no payload is taken for a packet by chance.
 */
function innerIpFits(p: Packet, view: DataView, at: number, version: number, trusted: boolean): boolean {
  const rest = p.datagramEnd - at;
  if (version === 4) {
    if (at + 20 > p.end || view.getUint8(at) >>> 4 !== 4) return false;
    if (trusted) return true;
    const headerLength = (view.getUint8(at) & 0xf) * 4;
    return (
      headerLength >= 20 &&
      view.getUint16(at + 2) === rest &&
      at + headerLength <= p.end &&
      headerSum(view, at, headerLength) === 0xffff
    );
  }
  if (at + 40 > p.end || view.getUint8(at) >>> 4 !== 6) return false;
  return trusted || view.getUint16(at + 4) + 40 === rest;
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

function cut(p: Packet): number {
  p.cut = true;
  return DONE;
}
