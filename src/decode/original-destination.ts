import { MAPPED, type Packet, VIA_GENEVE, VIA_IP_OPTION } from "./packet.ts";

/** IANA's Geneve option class of Cilium; 1 is its DSR option, sent with the critical bit (0x80) set. */
const GENEVE_CLASS_CILIUM = 0x014b;
const GENEVE_TYPE_DSR = 1;
/** Cilium's IPv4 option (IPOPT_COPY | 26) and IPv6 destination option: bpf/lib/common.h, DSR_IPV4_OPT_TYPE and _IPV6_. */
const IPV4_OPTION_DSR = 0x9a;
const IPV6_OPTION_DSR = 0x1b;
const END_OF_LIST = 0;
const NO_OPERATION = 1;

/**
 * Notes the service that a DSR load balancer names to the backend, IPv4.
 * @param kind VIA_ constant
 */
export function setVia4(p: Packet, kind: number, address: number, port: number): void {
  p.viaKind = kind;
  p.via0 = 0;
  p.via1 = 0;
  p.via2 = MAPPED;
  p.via3 = address;
  p.viaPort = port;
}

/** The same for IPv6; the 16 bytes of the address begin at `at`. */
export function setVia6(p: Packet, kind: number, view: DataView, at: number, port: number): void {
  p.viaKind = kind;
  p.via0 = view.getInt32(at);
  p.via1 = view.getInt32(at + 4);
  p.via2 = view.getInt32(at + 8);
  p.via3 = view.getInt32(at + 12);
  p.viaPort = port;
}

/** Looks for Cilium's DSR option among the Geneve options between `start` and `end`, all of which were captured. */
export function geneveOptions(p: Packet, view: DataView, start: number, end: number): void {
  let at = start;
  while (at + 4 <= end) {
    const length = (view.getUint8(at + 3) & 0x1f) * 4;
    const data = at + 4;
    at = data + length;
    if (at > end) return;
    if (view.getUint16(data - 4) !== GENEVE_CLASS_CILIUM || (view.getUint8(data - 2) & 0x7f) !== GENEVE_TYPE_DSR) {
      continue;
    }
    if (length === 8) setVia4(p, VIA_GENEVE, view.getInt32(data), view.getUint16(data + 4));
    else if (length === 20) setVia6(p, VIA_GENEVE, view, data, view.getUint16(data + 16));
  }
}

/** Looks for Cilium's DSR option among the IPv4 options between `start` and `end`, all of which were captured. */
export function ipv4Options(p: Packet, view: DataView, start: number, end: number): void {
  let at = start;
  while (at + 2 <= end) {
    const type = view.getUint8(at);
    if (type === END_OF_LIST) return;
    if (type === NO_OPERATION) {
      at++;
      continue;
    }
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) return;
    // dsr_set_opt4() swaps what is in network order already, so that both are in the order of the host: little-endian
    if (type === IPV4_OPTION_DSR && length === 8) {
      setVia4(p, VIA_IP_OPTION, view.getInt32(at + 4, true), view.getUint16(at + 2, true));
    }
    at += length;
  }
}

/** Cilium's DSR option is the only one of its destination options header, which begins at `at`. */
export function destinationOptions(p: Packet, view: DataView, at: number): void {
  if (at + 24 > p.end || view.getUint16(at + 2) !== ((IPV6_OPTION_DSR << 8) | 20)) return;
  setVia6(p, VIA_IP_OPTION, view, at + 4, view.getUint16(at + 20));
}
