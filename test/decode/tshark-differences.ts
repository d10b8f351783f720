import ipaddr from "ipaddr.js";
import { Decoder } from "../../src/decode/decode.ts";
import { IS_TCP, IS_UDP, OPT_MSS, OPT_TIMESTAMPS, OPT_WINDOW_SCALE, Packet } from "../../src/decode/packet.ts";
import type { Frame } from "./corpus.ts";
import { addressText } from "./decoded.ts";
import type { Layers } from "./tshark-layers.ts";

/** One thing that the decoder and tshark read differently. */
export interface Difference {
  file: string;
  frame: number;
  protocols: string;
  /** `kind` where only one of the two found a TCP or UDP header. */
  field: string;
  ours: string;
  tshark: string;
}

export interface Comparison {
  /** Frames that both read as TCP, and as UDP. */
  tcp: number;
  udp: number;
  differences: Difference[];
}

/** Decodes frames and compares each with what tshark read of it. */
export function compareWithTshark(frames: readonly Frame[], layers: readonly Layers[]): Comparison {
  const comparison: Comparison = { tcp: 0, udp: 0, differences: [] };
  const packet = new Packet();
  let decoder = new Decoder();
  frames.forEach((frame, i) => {
    const theirs = layers[i];
    if (theirs === undefined) throw new Error("fewer layers than frames");
    if (frame.file !== frames[i - 1]?.file) decoder = new Decoder();
    const { bytes, wireLength, linkType } = frame;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    decoder.decode(packet, view, 0, bytes.length, wireLength, linkType);
    const note = (field: string, ours: unknown, tshark: unknown) => {
      if (ours === tshark) return;
      const { protocols } = theirs;
      const { file, number } = frame;
      const difference = { file, frame: number, protocols, field, ours: String(ours), tshark: String(tshark) };
      comparison.differences.push(difference);
    };
    const ours = packet.kind === IS_TCP ? "tcp" : packet.kind === IS_UDP ? "udp" : null;
    const whole = isWhole(theirs) ? theirs.transport : null;
    note("kind", ours, whole);
    if (ours === null || ours !== whole) return;
    comparison[ours]++;
    compareIp(packet, theirs, note);
    if (ours === "tcp") compareTcp(packet, theirs, note);
    else compareUdp(packet, theirs, note);
  });
  return comparison;
}

type Note = (field: string, ours: unknown, tshark: unknown) => void;

/** Where the capture or the packet ends within a header, tshark still shows its first fields. */
function isWhole({ transport, fields }: Layers): boolean {
  if (transport === "udp") return fields.has("udp.length");
  return fields.has("tcp.window_size_value") && Number(fields.get("tcp.hdr_len")) >= 20;
}

function compareIp(p: Packet, { ipVersion, fields }: Layers, note: Note): void {
  note("ip.version", p.ipVersion, ipVersion);
  const [source, destination, hops] =
    p.ipVersion === 6 ? ["ipv6.src", "ipv6.dst", "ipv6.hlim"] : ["ip.src", "ip.dst", "ip.ttl"];
  note(source, addressText(p.src0, p.src1, p.src2, p.src3), canonical(fields.get(source)));
  note(destination, addressText(p.dst0, p.dst1, p.dst2, p.dst3), canonical(fields.get(destination)));
  note(hops, p.ttl, number(fields.get(hops)));
  if (p.ipVersion === 6) note("ipv6.flow", p.flowLabel, number(fields.get("ipv6.flow")));
  else note("ip.id", p.ipId, number(fields.get("ip.id")));
}

function compareTcp(p: Packet, { fields }: Layers, note: Note): void {
  const compare = (field: string, ours: number | undefined) => note(field, ours, number(fields.get(field)));
  compare("tcp.srcport", p.srcPort);
  compare("tcp.dstport", p.dstPort);
  compare("tcp.seq_raw", p.seq >>> 0);
  compare("tcp.ack_raw", p.ack >>> 0);
  note("tcp.flags", p.flags, (number(fields.get("tcp.flags")) ?? 0) & 0xff);
  compare("tcp.window_size_value", p.window);
  // tshark gives none for a fragment, and for a header that claims more than the segment has
  if (fields.has("tcp.len")) compare("tcp.len", p.payloadLength);
  const has = (bit: number, value: number) => ((p.optionsSeen & bit) !== 0 ? value : undefined);
  compare("tcp.options.mss_val", has(OPT_MSS, p.mss));
  const shift = number(fields.get("tcp.options.wscale.shift"));
  note("tcp.options.wscale.shift", has(OPT_WINDOW_SCALE, p.windowScale), shift && Math.min(shift, 14));
  compare("tcp.options.timestamp.tsval", has(OPT_TIMESTAMPS, p.tsValue >>> 0));
  compare("tcp.options.timestamp.tsecr", has(OPT_TIMESTAMPS, p.tsEcho >>> 0));
}

function compareUdp(p: Packet, theirs: Layers, note: Note): void {
  const { fields } = theirs;
  note("udp.srcport", p.srcPort, number(fields.get("udp.srcport")));
  note("udp.dstport", p.dstPort, number(fields.get("udp.dstport")));
  // the length counts only as far as the datagram, or this fragment of it, goes
  const claimed = (number(fields.get("udp.length")) ?? 0) - 8;
  const room = udpRoom(theirs);
  note("udp.length", p.payloadLength, claimed < 0 ? room : Math.min(claimed, room));
}

/** Bytes that the IP header leaves for the payload of UDP. */
function udpRoom({ protocols, ipVersion, fields }: Layers): number {
  const value = (field: string) => number(fields.get(field)) ?? 0;
  if (ipVersion === 4) return Math.max(0, value("ip.len") - value("ip.hdr_len") - 8);
  const fragmentHeader = protocols.includes(":ipv6.fraghdr:") ? 8 : 0;
  return Math.max(0, value("ipv6.plen") - fragmentHeader - 8);
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function canonical(address: string | undefined): string | undefined {
  return address === undefined ? undefined : ipaddr.parse(address).toString();
}
