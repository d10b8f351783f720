import { arp } from "./arp.ts";
import { ethernet, etherType } from "./ethernet.ts";
import { FragmentTable } from "./fragments.ts";
import { startLayer } from "./link.ts";
import { ipAny, ipv4, ipv6 } from "./network.ts";
import { ARP, DONE, ETHER_TYPE, ETHERNET, GRE_HEADER, IP_ANY, IPV4, IPV6, TRANSPORT, UDP_PAYLOAD } from "./next.ts";
import { NOTHING, type Packet, VIA_NONE } from "./packet.ts";
import { transport } from "./transport.ts";
import { gre, udpPayload } from "./tunnel.ts";

/**
 * Decodes packets of one capture into a reused record. Pure but for the memory of first fragments.
 *
 * Never throws, whatever the bytes: every read is bounded by the captured length, and nesting by `MAX_DEPTH`.
 */
export class Decoder {
  private readonly fragments = new FragmentTable();

  /**
   * @param p the record to fill; `time`, `frame`, `interface` are the caller's
   * @param view the buffer that holds the packet
   * @param offset where it begins in `view`
   * @param captured bytes of it that are there
   * @param wireLength bytes it had on the wire
   * @param linkType LINKTYPE_ value of its interface
   */
  decode(p: Packet, view: DataView, offset: number, captured: number, wireLength: number, linkType: number): void {
    p.start = offset;
    p.offset = offset;
    p.end = offset + captured;
    p.wireLength = wireLength;
    p.cut = false;
    p.kind = NOTHING;
    p.ipVersion = 0;
    p.mac0 = 0;
    p.mac1 = 0;
    p.mac2 = 0;
    p.interfaceIndex = 0;
    p.moreFragments = false;
    p.datagramEnd = offset + wireLength;
    p.viaKind = VIA_NONE;
    p.encapsulation.depth = 0;
    let next = startLayer(p, view, linkType);
    while (next !== DONE) {
      switch (next) {
        case ETHERNET:
          next = ethernet(p, view);
          break;
        case IPV4:
          next = ipv4(p, view, this.fragments);
          break;
        case TRANSPORT:
          next = transport(p, view, this.fragments);
          break;
        case ETHER_TYPE:
          next = etherType(p, view);
          break;
        case IPV6:
          next = ipv6(p, view, this.fragments);
          break;
        case UDP_PAYLOAD:
          next = udpPayload(p, view);
          break;
        case GRE_HEADER:
          next = gre(p, view);
          break;
        case IP_ANY:
          next = ipAny(p, view);
          break;
        case ARP:
          next = arp(p, view);
          break;
        default:
          next = DONE;
      }
    }
  }
}
