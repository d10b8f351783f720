import { MPLS } from "./encapsulation.ts";
import { cutShort, DONE, ETHERNET, IPV4, IPV6 } from "./next.ts";
import type { Packet } from "./packet.ts";

const BOTTOM_OF_STACK = 0x100;

/** A stack of MPLS labels (RFC 3032). Nothing says what they carry: its first nibble tells. */
export function mplsLabels(p: Packet, view: DataView): number {
  let at = p.offset;
  for (;;) {
    if (at + 4 > p.end) return cutShort(p);
    const word = view.getUint32(at);
    if (!p.encapsulation.pushTag(MPLS, word >>> 12)) return DONE;
    at += 4;
    if (word & BOTTOM_OF_STACK) break;
  }
  p.offset = at;
  if (at >= p.end) return cutShort(p);
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
