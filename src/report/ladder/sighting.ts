import { Decoder } from "../../decode/decode.ts";
import { type EncapsulationStack, encapsulationName, LAYER_WORDS } from "../../decode/encapsulation.ts";
import { IS_FRAGMENT, IS_ICMP, IS_TCP, IS_UDP, OPT_MSS, Packet } from "../../decode/packet.ts";
import type { AddressWords } from "../../flow/leg-view.ts";
import type { Connected } from "../../path/connect.ts";
import type { Direction, LegPacket } from "../../path/leg-packet.ts";
import type { LegRef } from "../../path/leg-set.ts";
import { destinationMac, type Mac, sourceMac } from "../../path/macs.ts";
import { addressText } from "../../topology/address.ts";

/** What an ICMP error says of the packet that it quotes. */
export interface QuotedError {
  ipVersion: number;
  type: number;
  code: number;
  /** 0 where it names none. */
  mtu: number;
  quotedSeq: number;
}

/** One packet of a connection at one observation point, decoded. */
export interface Sighting {
  packet: LegPacket;
  leg: LegRef;
  /** ns since the run's base on the reference clock; NaN where the capture has no times. */
  time: number;
  /** Which way it travels. */
  direction: Direction;
  kind: "tcp" | "udp" | "fragment" | "error";
  /** Numbers of the run's endpoints. */
  src: number;
  dst: number;
  /** Tags and tunnels around it, outermost first: `vlan 10`, `ipip 10.2.0.2 → 10.2.0.11`. */
  encapsulation: readonly string[];
  srcMac: Mac;
  dstMac: Mac;
  ttl: number;
  /** -1 in IPv6. */
  ipId: number;
  /** TCP; unsigned. A fragment has its identification and offset here instead. */
  seq: number;
  ack: number;
  flags: number;
  window: number;
  /** 0 where the segment has no such option. */
  mss: number;
  /** Bytes of payload on the wire, and those of them that were captured. */
  length: number;
  payload: Uint8Array;
  error: QuotedError | null;
}

/** Decodes the packets of a connection's legs again; those that no longer make sense are left out. */
export function readSightings(connected: Connected, packets: readonly LegPacket[]): Sighting[] {
  const { clocks, endpoints } = connected;
  const decoders = new Map<number, Decoder>();
  const p = new Packet();
  const sightings: Sighting[] = [];
  for (const packet of packets) {
    const { capture, bytes } = packet;
    const decoder = decoders.get(capture) ?? new Decoder();
    decoders.set(capture, decoder);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    decoder.decode(p, view, 0, bytes.length, packet.wireLength, packet.linkType);
    const kind = kindOf(p, packet.isError);
    if (kind === null) continue;
    const src: AddressWords = [p.src0, p.src1, p.src2, p.src3];
    const hasPorts = kind !== "error";
    const macs = [p.mac0, p.mac1, p.mac2] as const;
    sightings.push({
      packet,
      leg: packet.leg,
      time: packet.time - clocks[capture]!.at(packet.time),
      direction: packet.direction,
      kind,
      src: endpoints.ofWords(src, hasPorts ? p.srcPort : 0),
      dst: endpoints.of(p.dst0, p.dst1, p.dst2, p.dst3, hasPorts ? p.dstPort : 0),
      encapsulation: encapsulationTexts(p.encapsulation),
      srcMac: sourceMac(macs),
      dstMac: destinationMac(macs),
      ttl: p.ttl,
      ipId: p.ipId,
      seq: kind === "fragment" ? p.fragmentId * 65536 + p.fragmentOffset : kind === "tcp" ? p.seq >>> 0 : 0,
      ack: kind === "tcp" ? p.ack >>> 0 : 0,
      flags: kind === "tcp" ? p.flags : 0,
      window: kind === "tcp" ? p.window : 0,
      mss: kind === "tcp" && (p.optionsSeen & OPT_MSS) !== 0 ? p.mss : 0,
      length: hasPorts ? p.payloadLength : 0,
      payload:
        (kind === "tcp" || kind === "udp") && p.payloadLength > 0
          ? bytes.subarray(p.payloadOffset, p.payloadOffset + Math.max(0, Math.min(p.payloadCaptured, p.payloadLength)))
          : NO_BYTES,
      error: packet.isError
        ? { ipVersion: p.ipVersion, type: p.icmpType, code: p.icmpCode, mtu: p.icmpMtu, quotedSeq: p.quotedSeq >>> 0 }
        : null,
    });
  }
  return sightings;
}

function kindOf(p: Packet, isError: boolean): Sighting["kind"] | null {
  if (isError) return p.kind === IS_ICMP && p.quotes ? "error" : null;
  if (p.kind === IS_TCP) return "tcp";
  if (p.kind === IS_UDP) return "udp";
  return p.kind === IS_FRAGMENT ? "fragment" : null;
}

const NO_BYTES = new Uint8Array(0);
const NO_LAYERS: readonly string[] = [];

function encapsulationTexts(stack: EncapsulationStack): readonly string[] {
  if (stack.depth === 0) return NO_LAYERS;
  const texts: string[] = [];
  for (let layer = 0; layer < stack.depth; layer++) {
    const w = stack.words.subarray(layer * LAYER_WORDS, (layer + 1) * LAYER_WORDS);
    const name = encapsulationName(w[0]!) + (w[1]! < 0 ? "" : ` ${w[1]}`);
    const address = (at: number) => addressText([w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!]);
    texts.push(w[2] === 0 ? name : `${name} ${address(4)} → ${address(8)}`);
  }
  return texts;
}
