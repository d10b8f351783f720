import ipaddr from "ipaddr.js";
import { PacketBuilder } from "../../fixtures/packets/packet.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { encapsulationName, LAYER_WORDS } from "../../src/decode/encapsulation.ts";
import {
  IS_ARP,
  IS_FRAGMENT,
  IS_ICMP,
  IS_TCP,
  IS_UDP,
  IS_VRRP,
  OPT_MSS,
  OPT_TIMESTAMPS,
  OPT_TOA,
  OPT_WINDOW_SCALE,
  Packet,
} from "../../src/decode/packet.ts";

const LINK_ETHERNET = 1;
/** Bytes around a packet in its buffer, so that a read beyond it shows. */
const MARGIN = 64;
const POISON = 0xa5;

export interface DecodeOptions {
  linkType?: number;
  /** Bytes of it that are there; all of them unless told. */
  captured?: number;
  wireLength?: number;
  /** One that has seen packets before. */
  decoder?: Decoder;
  /** A record that held another packet before. */
  into?: Packet;
}

/** A packet decoded in the midst of a buffer of other bytes. */
export function decode(packet: PacketBuilder | Uint8Array, options: DecodeOptions = {}): Packet {
  const bytes = packet instanceof PacketBuilder ? packet.build() : packet;
  const captured = options.captured ?? bytes.length;
  const buffer = new Uint8Array(captured + 2 * MARGIN).fill(POISON);
  buffer.set(bytes.subarray(0, captured), MARGIN);
  const p = options.into ?? new Packet();
  const { decoder = new Decoder(), linkType = LINK_ETHERNET, wireLength = bytes.length } = options;
  decoder.decode(p, new DataView(buffer.buffer), MARGIN, captured, wireLength, linkType);
  p.payloadOffset -= MARGIN;
  p.offset -= MARGIN;
  return p;
}

/** All that a record says: the fields whose group is valid, as the comments in packet.ts have it. */
export function recordOf(p: Packet): Record<string, unknown> {
  const said: Record<string, unknown> = {
    kind: p.kind,
    cut: p.cut,
    macs: macsOf(p),
    layers: layersOf(p),
    via: viaOf(p),
  };
  said.interfaceIndex = p.interfaceIndex;
  if (p.ipVersion !== 0) {
    Object.assign(said, { ipVersion: p.ipVersion, source: sourceOf(p), destination: destinationOf(p) });
  }
  if (p.ipVersion !== 0 && p.kind !== IS_ARP) {
    const { ttl, ipId, dontFragment, protocol, datagramEnd, fragmentOffset, moreFragments } = p;
    Object.assign(said, { ttl, ipId, dontFragment, protocol, datagramEnd, fragmentOffset, moreFragments });
    if (p.ipVersion === 6) said.flowLabel = p.flowLabel;
  }
  if (p.kind === IS_TCP || p.kind === IS_UDP || p.kind === IS_FRAGMENT) {
    const { payloadLength, payloadOffset, payloadCaptured } = p;
    Object.assign(said, { flow: flowOf(p), payloadLength, payloadOffset, payloadCaptured });
  }
  if (p.kind === IS_TCP) {
    const { seq, ack, flags, window, optionsSeen, toaKind } = p;
    Object.assign(said, { seq, ack, flags, window, optionsSeen, toaKind });
    if (p.optionsSeen & OPT_MSS) said.mss = p.mss;
    if (p.optionsSeen & OPT_WINDOW_SCALE) said.windowScale = p.windowScale;
    if (p.optionsSeen & OPT_TIMESTAMPS) said.timestamps = [p.tsValue, p.tsEcho];
    if (p.optionsSeen & OPT_TOA) said.toa = `${addressText(p.toa0, p.toa1, p.toa2, p.toa3)} ${p.toaPort}`;
  }
  if (p.kind === IS_ICMP) {
    const { icmpType, icmpCode, icmpMtu } = p;
    Object.assign(said, { icmpType, icmpCode, icmpMtu, quoted: quotedFlowOf(p) });
    if (p.quotes) Object.assign(said, { quotedProtocol: p.quotedProtocol, quotedSeq: p.quotedSeq });
  }
  if (p.kind === IS_ARP) Object.assign(said, { arpOperation: p.arpOperation, arpSender: arpSenderOf(p) });
  if (p.kind === IS_VRRP) {
    const { vrrpVersion, vrrpId, vrrpPriority, vrrpInterval, vrrpAddresses } = p;
    const address = addressText(p.vrrpAddress0, p.vrrpAddress1, p.vrrpAddress2, p.vrrpAddress3);
    Object.assign(said, { vrrpVersion, vrrpId, vrrpPriority, vrrpInterval, vrrpAddresses, address });
  }
  return said;
}

/** `10.1.0.1:40001 > 192.0.2.10:443` */
export function flowOf(p: Packet): string {
  return `${endpoint(sourceOf(p), p.srcPort)} > ${endpoint(destinationOf(p), p.dstPort)}`;
}

/** The flow that an ICMP error quotes; null where it quotes none. */
export function quotedFlowOf(p: Packet): string | null {
  if (!p.quotes) return null;
  const source = addressText(p.quotedSrc0, p.quotedSrc1, p.quotedSrc2, p.quotedSrc3);
  const destination = addressText(p.quotedDst0, p.quotedDst1, p.quotedDst2, p.quotedDst3);
  return `${endpoint(source, p.quotedSrcPort)} > ${endpoint(destination, p.quotedDstPort)}`;
}

/** The original destination that a load balancer names, as `10.1.0.1:80`; null where it names none. */
export function viaOf(p: Packet): string | null {
  return p.viaKind === 0 ? null : endpoint(addressText(p.via0, p.via1, p.via2, p.via3), p.viaPort);
}

export function sourceOf(p: Packet): string {
  return addressText(p.src0, p.src1, p.src2, p.src3);
}

export function destinationOf(p: Packet): string {
  return addressText(p.dst0, p.dst1, p.dst2, p.dst3);
}

/** Destination and source MAC as `02:00:00:00:00:02 < 02:00:00:00:00:01`. */
export function macsOf(p: Packet): string {
  const hex = [p.mac0, p.mac1, p.mac2].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  return `${macText(hex.slice(0, 12))} < ${macText(hex.slice(12))}`;
}

/** MAC that an ARP or neighbour discovery message names. */
export function arpSenderOf(p: Packet): string {
  return macText(hexOf(p.arpSenderHigh, 4) + hexOf(p.arpSenderLow >>> 0, 8));
}

/** Layers as `vlan 100`, `gre -1 10.2.0.2 > 10.2.0.11`, with the UDP source port where there is one. */
export function layersOf(p: Packet): string[] {
  const { depth, words } = p.encapsulation;
  return Array.from({ length: depth }, (_, layer) => {
    const word = (i: number) => words[layer * LAYER_WORDS + i] ?? 0;
    const tag = `${encapsulationName(word(0))} ${word(1)}`;
    if (word(2) === 0) return tag;
    const source = addressText(word(4), word(5), word(6), word(7));
    const destination = addressText(word(8), word(9), word(10), word(11));
    return `${tag} ${word(3) === 0 ? source : endpoint(source, word(3))} > ${destination}`;
  });
}

/** An address as mapped words, as text. */
export function addressText(w0: number, w1: number, w2: number, w3: number): string {
  const parts = [w0, w1, w2, w3].flatMap((word) => [word >>> 16, word & 0xffff]);
  const address = new ipaddr.IPv6(parts);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toString();
}

function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function hexOf(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function macText(hex: string): string {
  return hex.replace(/..(?=.)/g, "$&:");
}
