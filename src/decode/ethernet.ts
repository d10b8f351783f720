import { VLAN } from "./encapsulation.ts";
import { mplsLabels } from "./mpls.ts";
import { ARP, cutShort, DONE, ETHER_TYPE, ETHERNET, IPV4, IPV6 } from "./next.ts";
import type { Packet } from "./packet.ts";
import { pppoeSession } from "./ppp.ts";

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
/** Transparent Ethernet bridging: an Ethernet frame inside GRE or Geneve. */
export const ETHERTYPE_TEB = 0x6558;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_QINQ = 0x88a8;
/** QinQ outer tags of older switches. */
const ETHERTYPE_QINQ_OLD1 = 0x9100;
const ETHERTYPE_QINQ_OLD2 = 0x9200;
const ETHERTYPE_MPLS = 0x8847;
const ETHERTYPE_MPLS_MULTICAST = 0x8848;
const ETHERTYPE_PPPOE_SESSION = 0x8864;
/** Up to here the type field of 802.3 is a length. */
export const MAX_LENGTH = 1500;

/** Ethernet II and 802.3 with SNAP. Only the outermost frame's MACs are kept: they name the neighbours. */
export function ethernet(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 14 > p.end) return cutShort(p);
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
      return type <= MAX_LENGTH ? snap(p, view) : DONE;
  }
}

function vlanTag(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 4 > p.end) return cutShort(p);
  // Priority tags (VID 0) name no VLAN: 802.1Q 6.9.
  const vid = view.getUint16(at) & 0xfff;
  if (vid !== 0 && !p.encapsulation.pushTag(VLAN, vid)) return DONE;
  p.etherType = view.getUint16(at + 2);
  p.offset = at + 4;
  return ETHER_TYPE;
}

/** 802.2 LLC with SNAP (RFC 1042). */
function snap(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 8 > p.end) return at + 8 > p.start + p.wireLength ? DONE : cutShort(p);
  if (view.getUint16(at) !== 0xaaaa || view.getUint8(at + 2) !== 3) return DONE;
  if (view.getUint16(at + 3) !== 0 || view.getUint8(at + 5) !== 0) return DONE;
  p.etherType = view.getUint16(at + 6);
  p.offset = at + 8;
  return p.etherType > MAX_LENGTH ? ETHER_TYPE : DONE;
}
