import { mplsLabels } from "./mpls.ts";
import { cutShort, DONE, ETHER_TYPE, IPV4, IPV6 } from "./next.ts";
import type { Packet } from "./packet.ts";

const PROTOCOL_IPV4 = 0x21;
const PROTOCOL_IPV6 = 0x57;
const PROTOCOL_MPLS = 0x281;
const PROTOCOL_MPLS_MULTICAST = 0x283;
/** Address and control field of RFC 1662. */
const HDLC_FRAMING = 0xff03;
/** Cisco's HDLC to one station or to all: an EtherType follows, not a PPP protocol. */
const CISCO_UNICAST = 0x0f00;
const CISCO_MULTICAST = 0x8f00;

/** PPP, bare or framed, and Cisco HDLC, which shares its link types. */
export function ppp(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 4 > p.end) return cutShort(p);
  const address = view.getUint16(at);
  if (address === CISCO_UNICAST || address === CISCO_MULTICAST) {
    p.etherType = view.getUint16(at + 2);
    p.offset = at + 4;
    return ETHER_TYPE;
  }
  if (address === HDLC_FRAMING) p.offset = at + 2;
  return pppProtocol(p, view);
}

/** PPPoE's session stage (RFC 2516), and the PPP inside. */
export function pppoeSession(p: Packet, view: DataView): number {
  if (p.offset + 8 > p.end) return cutShort(p);
  p.offset += 6;
  return pppProtocol(p, view);
}

function pppProtocol(p: Packet, view: DataView): number {
  let at = p.offset;
  if (at + 2 > p.end) return cutShort(p);
  let protocol = view.getUint8(at++);
  // RFC 1661 6.5: an odd first byte is a protocol field compressed to one byte
  if ((protocol & 1) === 0) protocol = (protocol << 8) | view.getUint8(at++);
  p.offset = at;
  switch (protocol) {
    case PROTOCOL_IPV4:
      return IPV4;
    case PROTOCOL_IPV6:
      return IPV6;
    case PROTOCOL_MPLS:
    case PROTOCOL_MPLS_MULTICAST:
      return mplsLabels(p, view);
    default:
      return DONE;
  }
}
