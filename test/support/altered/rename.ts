import type { SeenCapture, SeenPacket } from "./seen-capture.ts";

/** New names for what packets carry, the same for the same old one. */
export interface Renaming {
  /** Of an IPv4 address as a number. */
  address: (old: number) => number;
  port: (old: number) => number;
  /** Given to the second byte of locally administered MACs, so that two networks do not share a host. */
  mac?: (secondByte: number) => number;
}

export const LINK = { ethernet: 1, raw: 101, sll: 113, sll2: 276 };

const IP4 = 0x0800;
const IP6 = 0x86dd;
const ARP = 0x0806;
const VLAN = 0x8100;
const TRANSPARENT_ETHERNET = 0x6558;
const VXLAN_PORT = 4789;
const GUE_PORT = 6080;
/** Ports that say what follows: these keep their numbers. */
const TUNNEL_PORTS = new Set([VXLAN_PORT, GUE_PORT]);
/** proxy-protocol.txt 2.2 */
const PROXY_V2 = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** TCP option that carries the client's address through FullNAT. */
const TOA = 254;

/** Where the network layer begins in a packet of a link type, and what it is. */
export function networkLayer(bytes: Uint8Array, linkType: number): { offset: number; etherType: number } | null {
  const view = viewOf(bytes);
  switch (linkType) {
    case LINK.ethernet: {
      let offset = 12;
      while (offset + 6 <= bytes.length && view.getUint16(offset) === VLAN) offset += 4;
      return offset + 2 > bytes.length ? null : { offset: offset + 2, etherType: view.getUint16(offset) };
    }
    case LINK.sll:
      return bytes.length < 16 ? null : { offset: 16, etherType: view.getUint16(14) };
    case LINK.sll2:
      return bytes.length < 20 ? null : { offset: 20, etherType: view.getUint16(0) };
    case LINK.raw:
      return { offset: 0, etherType: (bytes[0] ?? 0) >>> 4 === 6 ? IP6 : IP4 };
    default:
      return null;
  }
}

/**
 * A capture whose hosts and services have other names, in every header that says them: tunnels, what ICMP quotes, ARP,
 * VRRP, PROXY headers in binary form, TOA. IPv6 keeps its addresses. IP checksums are right again, others are not.
 */
export function renamed(capture: SeenCapture, renaming: Renaming): SeenCapture {
  return {
    ...capture,
    packets: capture.packets.map((packet) => renamePacket(packet, capture, renaming)),
  };
}

function renamePacket(packet: SeenPacket, capture: SeenCapture, renaming: Renaming): SeenPacket {
  const linkType = capture.interfaces[packet.interface]?.linkType ?? LINK.ethernet;
  const bytes = packet.bytes.slice();
  const writer = new Writer(viewOf(bytes), renaming);
  if (linkType === LINK.ethernet) writer.ethernet(0);
  else {
    const network = networkLayer(bytes, linkType);
    if (network) writer.network(network.etherType, network.offset);
  }
  return { ...packet, bytes };
}

/** Writes new names over the old ones, layer by layer; what the snap length cut off is let be. */
class Writer {
  private readonly view: DataView;
  private readonly end: number;
  private readonly renaming: Renaming;

  constructor(view: DataView, renaming: Renaming) {
    this.view = view;
    this.end = view.byteLength;
    this.renaming = renaming;
  }

  ethernet(at: number): void {
    if (at + 14 > this.end) return;
    this.mac(at);
    this.mac(at + 6);
    let offset = at + 12;
    while (offset + 6 <= this.end && this.view.getUint16(offset) === VLAN) offset += 4;
    this.network(this.view.getUint16(offset), offset + 2);
  }

  network(etherType: number, at: number): void {
    if (etherType === IP4) this.ip4(at);
    else if (etherType === IP6) this.ip6(at);
    else if (etherType === ARP) this.arp(at);
    else if (etherType === TRANSPARENT_ETHERNET) this.ethernet(at);
  }

  private arp(at: number): void {
    if (at + 28 > this.end || this.view.getUint16(at + 2) !== IP4) return;
    this.mac(at + 8);
    this.address(at + 14);
    this.mac(at + 18);
    this.address(at + 24);
  }

  private ip4(at: number): void {
    if (at + 20 > this.end) return;
    const length = (this.view.getUint8(at) & 15) * 4;
    if (at + length > this.end) return;
    this.address(at + 12);
    this.address(at + 16);
    this.view.setUint16(at + 10, 0);
    let sum = 0;
    for (let i = 0; i < length; i += 2) sum += this.view.getUint16(at + i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    this.view.setUint16(at + 10, ~sum & 0xffff);
    if ((this.view.getUint16(at + 6) & 0x1fff) !== 0) return;
    this.transport(this.view.getUint8(at + 9), at + length, true);
  }

  private ip6(at: number): void {
    if (at + 40 <= this.end) this.transport(this.view.getUint8(at + 6), at + 40, false);
  }

  private transport(protocol: number, at: number, isVersion4: boolean): void {
    if (protocol === 6) this.tcp(at);
    else if (protocol === 17) this.udp(at);
    else if (protocol === 4) this.ip4(at);
    else if (protocol === 41) this.ip6(at);
    else if (protocol === 47 && at + 4 <= this.end) this.gre(at);
    else if (protocol === 1) this.icmp(at);
    else if (protocol === 112 && isVersion4 && at + 8 <= this.end) {
      for (let i = 0; i < this.view.getUint8(at + 3) && at + 12 + i * 4 <= this.end; i++) this.address(at + 8 + i * 4);
    }
  }

  private tcp(at: number): void {
    if (at + 4 > this.end) return;
    this.port(at);
    this.port(at + 2);
    if (at + 20 > this.end) return;
    const data = at + (this.view.getUint8(at + 12) >>> 4) * 4;
    for (let option = at + 20; option + 2 <= Math.min(data, this.end); ) {
      const kind = this.view.getUint8(option);
      if (kind === 0) break;
      if (kind === 1) {
        option++;
        continue;
      }
      const length = this.view.getUint8(option + 1);
      if (length < 2) break;
      if (kind === TOA && length === 8 && option + 8 <= this.end) {
        this.port(option + 2);
        this.address(option + 4);
      }
      option += length;
    }
    this.proxyHeader(data);
  }

  private proxyHeader(at: number): void {
    if (at + 28 > this.end || !PROXY_V2.every((byte, i) => this.view.getUint8(at + i) === byte)) return;
    if (this.view.getUint8(at + 12) !== 0x21 || this.view.getUint8(at + 13) !== 0x11) return;
    this.address(at + 16);
    this.address(at + 20);
    this.port(at + 24);
    this.port(at + 26);
  }

  private udp(at: number): void {
    if (at + 4 > this.end) return;
    const port = this.view.getUint16(at + 2);
    if (!TUNNEL_PORTS.has(port)) {
      this.port(at);
      this.port(at + 2);
    } else if (port === VXLAN_PORT) this.ethernet(at + 16);
    else if (at + 12 <= this.end) this.gue(at + 8);
  }

  private gue(at: number): void {
    const first = this.view.getUint8(at);
    // version 1 is an IP header by itself (draft-ietf-intarea-gue 4)
    if (first >>> 6 === 1) this.network(((first >>> 4) & 15) === 6 ? IP6 : IP4, at);
    else this.transport(this.view.getUint8(at + 1), at + 4 + (first & 31) * 4, true);
  }

  private gre(at: number): void {
    const flags = this.view.getUint8(at);
    const optional = (flags & 0x80 ? 4 : 0) + (flags & 0x20 ? 4 : 0) + (flags & 0x10 ? 4 : 0);
    this.network(this.view.getUint16(at + 2), at + 4 + optional);
  }

  private icmp(at: number): void {
    if (at + 8 > this.end) return;
    const type = this.view.getUint8(at);
    if (type === 3 || type === 11) this.ip4(at + 8);
  }

  private address(at: number): void {
    if (at + 4 > this.end) return;
    const old = this.view.getUint32(at);
    // multicast, broadcast and none keep their meaning
    if (old !== 0 && old < 0xe000_0000) this.view.setUint32(at, this.renaming.address(old) >>> 0);
  }

  private port(at: number): void {
    if (at + 2 <= this.end) this.view.setUint16(at, this.renaming.port(this.view.getUint16(at)));
  }

  private mac(at: number): void {
    const { mac } = this.renaming;
    if (mac && at + 6 <= this.end && (this.view.getUint8(at) & 3) === 2)
      this.view.setUint8(at + 1, mac(this.view.getUint8(at + 1)));
  }
}

/** An IPv4 `address:port` as it is called now; MACs and IPv6 as they are, MACs by their own rule. */
export function renamedEndpoint(text: string, renaming: Renaming): string {
  const ip4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+):(\d+)$/.exec(text);
  if (ip4) {
    const old = ip4.slice(1, 5).reduce((sum, part) => sum * 256 + Number(part), 0);
    const now = renaming.address(old) >>> 0;
    const address = [now >>> 24, (now >>> 16) & 255, (now >>> 8) & 255, now & 255].join(".");
    return `${address}:${renaming.port(Number(ip4[5]))}`;
  }
  const mac = /^([0-9a-f]{2}):([0-9a-f]{2})((?::[0-9a-f]{2}){4})$/.exec(text);
  if (mac && renaming.mac && (Number.parseInt(mac[1] ?? "", 16) & 3) === 2) {
    return `${mac[1]}:${renaming
      .mac(Number.parseInt(mac[2] ?? "", 16))
      .toString(16)
      .padStart(2, "0")}${mac[3]}`;
  }
  const ip6 = /^(\[.*\]):(\d+)$/.exec(text);
  return ip6 ? `${ip6[1]}:${renaming.port(Number(ip6[2]))}` : text;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
