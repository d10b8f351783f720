import { MPLS, VLAN } from "./encapsulation.ts";
import { ARP, DONE, ETHER_TYPE, ETHERNET, IP_ANY, IPV4, IPV6 } from "./next.ts";
import type { Packet } from "./packet.ts";

/** LINKTYPE_ values, https://www.tcpdump.org/linktypes.html, with the DLT_ numbers some systems write instead. */
const LINK_NULL = 0;
const LINK_ETHERNET = 1;
const LINK_PPP = 9;
const LINK_PPP_HDLC = 50;
const LINK_PPP_ETHER = 51;
const LINK_RAW = 101;
const LINK_LOOP = 108;
const LINK_SLL = 113;
const LINK_IPV4 = 228;
const LINK_IPV6 = 229;
const LINK_NFLOG = 239;
const LINK_SLL2 = 276;
/** DLT_RAW as BSDs and OpenBSD wrote it. */
const DLT_RAW = 12;
const DLT_RAW_OPENBSD = 14;

const SUPPORTED = new Set([
  LINK_NULL,
  LINK_ETHERNET,
  LINK_PPP,
  LINK_PPP_HDLC,
  LINK_PPP_ETHER,
  LINK_RAW,
  LINK_LOOP,
  LINK_SLL,
  LINK_IPV4,
  LINK_IPV6,
  LINK_NFLOG,
  LINK_SLL2,
  DLT_RAW,
  DLT_RAW_OPENBSD,
]);

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_TEB = 0x6558;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_PPPOE_SESSION = 0x8864;
const ETHERTYPE_MPLS = 0x8847;
const ETHERTYPE_MPLS_MULTICAST = 0x8848;
const ETHERTYPE_QINQ = 0x88a8;
/** QinQ outer tags of older switches. */
const ETHERTYPE_QINQ_OLD1 = 0x9100;
const ETHERTYPE_QINQ_OLD2 = 0x9200;
const ETHERTYPE_ARP = 0x0806;

/** True where packets of this LINKTYPE_ can be decoded. */
export function isSupportedLinkType(linkType: number): boolean {
  return SUPPORTED.has(linkType);
}

/** First step: from the capture's link type to what follows. */
export function startLayer(p: Packet, view: DataView, linkType: number): number {
  switch (linkType) {
    case LINK_ETHERNET:
      return ETHERNET;
    case LINK_SLL:
      return linuxCooked(p, view);
    case LINK_SLL2:
      return linuxCooked2(p, view);
    case LINK_RAW:
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
      return IP_ANY;
    case LINK_IPV4:
      return IPV4;
    case LINK_IPV6:
      return IPV6;
    case LINK_NULL:
    case LINK_LOOP:
      return addressFamily(p, view);
    case LINK_PPP:
    case LINK_PPP_HDLC:
      return ppp(p, view);
    case LINK_PPP_ETHER:
      return pppoeSession(p, view);
    case LINK_NFLOG:
      return nflog(p, view);
    default:
      return DONE;
  }
}

/** Ethernet II and 802.3 with SNAP. Only the outermost frame's MACs are kept: they name the neighbours. */
export function ethernet(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 14 > p.end) return cut(p);
  if (p.encapsulation.depth === 0) {
    p.mac0 = view.getInt32(at);
    p.mac1 = view.getInt32(at + 4);
    p.mac2 = view.getInt32(at + 8);
  }
  p.etherType = view.getUint16(at + 12);
  p.offset = at + 14;
  if (p.etherType === ETHERTYPE_IPV4) return IPV4;
  return ETHER_TYPE;
}

/** What an EtherType leads to: IP, a tag, or nothing of interest. */
export function etherType(p: Packet, view: DataView): number {
  const type = p.etherType;
  switch (type) {
    case ETHERTYPE_IPV4:
      return IPV4;
    case ETHERTYPE_IPV6:
      return IPV6;
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_QINQ_OLD1:
    case ETHERTYPE_QINQ_OLD2:
      return vlanTag(p, view);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return mplsLabels(p, view);
    case ETHERTYPE_ARP:
      return ARP;
    case ETHERTYPE_PPPOE_SESSION:
      return pppoeSession(p, view);
    case ETHERTYPE_TEB:
      return ETHERNET;
    default:
      return type <= 1500 ? snap(p, view) : DONE;
  }
}

function vlanTag(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 4 > p.end) return cut(p);
  // Priority tags (VID 0) name no VLAN: 802.1Q 6.9.
  const vid = view.getUint16(at) & 0xfff;
  if (vid !== 0 && !p.encapsulation.pushTag(VLAN, vid)) return DONE;
  p.etherType = view.getUint16(at + 2);
  p.offset = at + 4;
  return ETHER_TYPE;
}

function mplsLabels(p: Packet, view: DataView): number {
  let at = p.offset;
  for (;;) {
    if (at + 4 > p.end) return cut(p);
    const word = view.getUint32(at);
    if (!p.encapsulation.pushTag(MPLS, word >>> 12)) return DONE;
    at += 4;
    if (word & 0x100) break;
  }
  p.offset = at;
  if (at >= p.end) return cut(p);
  const nibble = view.getUint8(at) >>> 4;
  if (nibble === 4) return IPV4;
  if (nibble === 6) return IPV6;
  // RFC 4385: a pseudowire control word has a first nibble of 0; Ethernet follows it.
  if (nibble === 0 && at + 4 <= p.end) {
    p.offset = at + 4;
    return ETHERNET;
  }
  return DONE;
}

/** 802.2 LLC with SNAP (RFC 1042). */
function snap(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 8 > p.end || view.getUint16(at) !== 0xaaaa || view.getUint8(at + 2) !== 3) return DONE;
  if (view.getUint16(at + 3) !== 0 || view.getUint8(at + 5) !== 0) return DONE;
  p.etherType = view.getUint16(at + 6);
  p.offset = at + 8;
  return p.etherType > 1500 ? ETHER_TYPE : DONE;
}

function linuxCooked(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 16 > p.end) return cut(p);
  sourceMac(p, view, view.getUint16(at + 4), at + 6);
  p.etherType = view.getUint16(at + 14);
  p.offset = at + 16;
  return ETHER_TYPE;
}

function linuxCooked2(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 20 > p.end) return cut(p);
  p.etherType = view.getUint16(at);
  p.interfaceIndex = view.getInt32(at + 4);
  sourceMac(p, view, view.getUint8(at + 11), at + 12);
  p.offset = at + 20;
  return ETHER_TYPE;
}

/** A cooked header has only the sender's MAC. */
function sourceMac(p: Packet, view: DataView, length: number, at: number): void {
  if (length !== 6) return;
  p.mac1 = view.getUint16(at);
  p.mac2 = view.getInt32(at + 2);
}

/** BSD loopback: the address family in the byte order of the capturing host (NULL) or network order (LOOP). */
function addressFamily(p: Packet, view: DataView): number {
  if (p.offset + 4 > p.end) return cut(p);
  let family = view.getUint32(p.offset);
  if (family > 0xffff) family = view.getUint32(p.offset, true);
  p.offset += 4;
  switch (family) {
    case 2:
      return IPV4;
    // AF_INET6 of NetBSD/OpenBSD/Windows, FreeBSD, macOS and Linux
    case 23:
    case 24:
    case 28:
    case 30:
    case 10:
      return IPV6;
    default:
      return DONE;
  }
}

function ppp(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 4 <= p.end) {
    const address = view.getUint16(at);
    // RFC 1662 framing (ff 03), or Cisco HDLC (0f 00 / 8f 00), whose type field is an EtherType
    if (address === 0xff03) at += 2;
    else if (address === 0x0f00 || address === 0x8f00) {
      p.etherType = view.getUint16(at + 2);
      p.offset = at + 4;
      return ETHER_TYPE;
    }
  }
  p.offset = at;
  return pppProtocol(p, view);
}

function pppProtocol(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 2 > p.end) return cut(p);
  let protocol = view.getUint8(at++);
  // RFC 1661 6.5: an odd first byte is a protocol field compressed to one byte
  if ((protocol & 1) === 0) protocol = (protocol << 8) | view.getUint8(at++);
  p.offset = at;
  if (protocol === 0x21) return IPV4;
  if (protocol === 0x57) return IPV6;
  if (protocol === 0x281 || protocol === 0x283) return mplsLabels(p, view);
  return DONE;
}

function pppoeSession(p: Packet, view: DataView): number {
  if (p.offset + 8 > p.end) return cut(p);
  p.offset += 6;
  return pppProtocol(p, view);
}

/** https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: a header, then TLVs in host order; type 9 is the packet. */
function nflog(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 4 > p.end) return cut(p);
  const family = view.getUint8(at);
  at += 4;
  while (at + 4 <= p.end) {
    // The TLVs are in the order of the capturing host, which the file does not say. A length that fits tells.
    let length = view.getUint16(at, true);
    let type = view.getUint16(at + 2, true);
    if (type > 0xff) {
      length = view.getUint16(at);
      type = view.getUint16(at + 2);
    }
    if (length < 4) return DONE;
    if (type === 9) {
      p.offset = at + 4;
      return family === 2 ? IPV4 : family === 10 ? IPV6 : DONE;
    }
    at += (length + 3) & ~3;
  }
  return DONE;
}

function cut(p: Packet): number {
  p.cut = true;
  return DONE;
}
