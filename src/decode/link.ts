import { MAX_LENGTH } from "./ethernet.ts";
import { cutShort, DONE, ETHER_TYPE, ETHERNET, IP_ANY, IPV4, IPV6 } from "./next.ts";
import type { Packet } from "./packet.ts";
import { ppp, pppoeSession } from "./ppp.ts";

/** LINKTYPE_ values, https://www.tcpdump.org/linktypes.html, with the DLT_ numbers some systems write instead. */
const LINK_NULL = 0;
const LINK_ETHERNET = 1;
const LINK_PPP = 9;
const LINK_PPP_HDLC = 50;
const LINK_PPP_ETHER = 51;
const LINK_RAW = 101;
const LINK_C_HDLC = 104;
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
  LINK_C_HDLC,
  LINK_LOOP,
  LINK_SLL,
  LINK_IPV4,
  LINK_IPV6,
  LINK_NFLOG,
  LINK_SLL2,
  DLT_RAW,
  DLT_RAW_OPENBSD,
]);

/** Netfilter's attribute that holds the packet (NFULA_PAYLOAD). */
const NFLOG_PAYLOAD = 9;
const LINUX_AF_INET = 2;
const LINUX_AF_INET6 = 10;

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
    case LINK_C_HDLC:
      return ppp(p, view);
    case LINK_PPP_ETHER:
      return pppoeSession(p, view);
    case LINK_NFLOG:
      return nflog(p, view);
    default:
      return DONE;
  }
}

function linuxCooked(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 16 > p.end) return cutShort(p);
  sourceMac(p, view, view.getUint16(at + 4), at + 6);
  p.etherType = view.getUint16(at + 14);
  p.offset = at + 16;
  return ETHER_TYPE;
}

function linuxCooked2(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 20 > p.end) return cutShort(p);
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
  if (p.offset + 4 > p.end) return cutShort(p);
  const word = view.getUint32(p.offset);
  const family = word > 0xffff ? view.getUint32(p.offset, true) : word;
  p.offset += 4;
  switch (family) {
    case 2:
      return IPV4;
    // AF_INET6 of Windows, NetBSD and OpenBSD, FreeBSD, macOS, Linux
    case 23:
    case 24:
    case 28:
    case 30:
    case 10:
      return IPV6;
    default:
      // 0f 00 08 00 in PcapPlusPlus's null_loopback.pcap: Cisco HDLC's header, the lower half an EtherType
      p.etherType = word & 0xffff;
      return p.etherType > MAX_LENGTH ? ETHER_TYPE : DONE;
  }
}

/** https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: a header, then TLVs, one of which is the packet. */
function nflog(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 4 > p.end) return cutShort(p);
  const family = view.getUint8(at);
  at += 4;
  while (at + 4 <= p.end) {
    // The TLVs are in the order of the capturing host, which the file does not say. A type that exists tells.
    let length = view.getUint16(at, true);
    let type = view.getUint16(at + 2, true);
    if (type > 0xff) {
      length = view.getUint16(at);
      type = view.getUint16(at + 2);
    }
    if (length < 4) return DONE;
    if (type === NFLOG_PAYLOAD) {
      p.offset = at + 4;
      return family === LINUX_AF_INET ? IPV4 : family === LINUX_AF_INET6 ? IPV6 : DONE;
    }
    at += (length + 3) & ~3;
  }
  return at < p.start + p.wireLength ? cutShort(p) : DONE;
}
