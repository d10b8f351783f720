import { Decoder as PacketDecoder } from "../decode/decode.ts";
import { encapsulationName, LAYER_WORDS } from "../decode/encapsulation.ts";
import { IS_ARP, IS_FRAGMENT, IS_ICMP, IS_TCP, IS_UDP, IS_VRRP, Packet } from "../decode/packet.ts";
import { addressText, type EndpointWords, endpointText } from "../topology/address.ts";
import { clockTime, epochText } from "./event-columns.ts";
import type { TapFlow } from "./flow-counts.ts";
import { hasEthernet } from "./flow-tap.ts";
import type { Decoder, EventColumn } from "./manifest.ts";
import { copyPacket, MAX_SNAPSHOT_BYTES, readSnapshotHead } from "./snapshot.ts";
import { flagsText } from "./tcp-flags.ts";
import type { KernelInterface } from "./traffic-control.ts";

/** A packet that the tap showed. */
export interface FlowTapEvent {
  timeNs: bigint;
  interface: string;
  direction: "ingress" | "egress";
  /** Why it was shown; see enum why in flowtap.bpf.c. */
  why: string;
  /** `tcp`, `udp`, `icmp`, `arp`, `vrrp`; `other` where it could not be decoded. */
  kind: string;
  /** Tunnels and tags around it, the outermost first: `vlan`, `vxlan`. */
  encapsulation: string[];
  /** Port 0 where there are none. Null of ARP. */
  src: EndpointWords | null;
  dst: EndpointWords | null;
  /** TCP's; 0 of others. */
  flags: number;
  seq: number | null;
  ack: number | null;
  payloadBytes: number;
  /** Link layer included. */
  wireBytes: number;
}

const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;
/** By number. */
const WHYS = [
  "-",
  "message",
  "flags",
  "fragment",
  "first",
  "data",
  "repeated",
  "moved",
  "window",
  "closing",
  "beat",
  "pass",
] as const;
const KINDS: Readonly<Record<number, string>> = {
  [IS_TCP]: "tcp",
  [IS_UDP]: "udp",
  [IS_FRAGMENT]: "frag",
  [IS_ICMP]: "icmp",
  [IS_ARP]: "arp",
  [IS_VRRP]: "vrrp",
};

export function createFlowTapDecoder(
  interfaces: readonly KernelInterface[],
  epochOffsetNs: () => bigint,
): Decoder<FlowTapEvent> {
  const byIndex = new Map(interfaces.map((each) => [each.index, each]));
  const bytes = new Uint8Array(MAX_SNAPSHOT_BYTES);
  const view = new DataView(bytes.buffer);
  const decoder = new PacketDecoder();
  const p = new Packet();
  return (record, offset) => {
    const head = readSnapshotHead(record, offset);
    const from = byIndex.get(head.ifindex);
    const captured = copyPacket(record, offset, bytes, 0);
    const linkType = from === undefined || hasEthernet(from) ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
    decoder.decode(p, view, 0, captured, Math.max(captured, head.wireBytes), linkType);
    const isTcp = p.kind === IS_TCP;
    const hasPorts = isTcp || p.kind === IS_UDP;
    const hasAddresses = hasPorts || p.kind === IS_ICMP || p.kind === IS_VRRP || p.kind === IS_FRAGMENT;
    const stack = p.encapsulation;
    return {
      timeNs: head.timeNs + epochOffsetNs(),
      interface: from?.name ?? `#${head.ifindex}`,
      direction: head.direction,
      why: WHYS[head.why] ?? String(head.why),
      kind: KINDS[p.kind] ?? "other",
      encapsulation: Array.from({ length: stack.depth }, (_, i) =>
        encapsulationName(stack.words[i * LAYER_WORDS] ?? 0),
      ),
      src: hasAddresses ? { address: [p.src0, p.src1, p.src2, p.src3], port: hasPorts ? p.srcPort : 0 } : null,
      dst: hasAddresses ? { address: [p.dst0, p.dst1, p.dst2, p.dst3], port: hasPorts ? p.dstPort : 0 } : null,
      flags: isTcp ? p.flags : 0,
      seq: isTcp ? p.seq >>> 0 : null,
      ack: isTcp ? p.ack >>> 0 : null,
      payloadBytes: hasPorts ? p.payloadLength : 0,
      wireBytes: head.wireBytes,
    };
  };
}

export const FLOW_TAP_COLUMNS: readonly EventColumn<FlowTapEvent>[] = [
  { title: "TIME", width: 12, cell: ({ timeNs }) => clockTime(timeNs) },
  { title: "IF", width: 8, cell: (event) => event.interface },
  { title: "DIR", width: 3, cell: ({ direction }) => (direction === "ingress" ? "in" : "out") },
  { title: "WHY", width: 8, cell: ({ why }) => why },
  { title: "PROTO", width: 5, cell: ({ kind }) => kind },
  { title: "SADDR", width: 21, cell: ({ src }) => (src === null ? "-" : addressText(src.address)) },
  { title: "SPORT", width: 5, cell: ({ src }) => portText(src) },
  { title: "DADDR", width: 21, cell: ({ dst }) => (dst === null ? "-" : addressText(dst.address)) },
  { title: "DPORT", width: 5, cell: ({ dst }) => portText(dst) },
  { title: "FLAGS", width: 11, cell: ({ flags }) => flagsText(flags) || "-" },
  { title: "SEQ", width: 10, align: "right", cell: ({ seq }) => (seq === null ? "-" : String(seq)) },
  { title: "ACK", width: 10, align: "right", cell: ({ ack }) => (ack === null ? "-" : String(ack)) },
  { title: "DATA", width: 5, align: "right", cell: ({ payloadBytes }) => String(payloadBytes) },
  { title: "IN", width: 10, cell: ({ encapsulation }) => encapsulation.join(",") || "-" },
];

export function flowTapDocument(event: FlowTapEvent): Readonly<Record<string, unknown>> {
  return {
    time: epochText(event.timeNs),
    interface: event.interface,
    direction: event.direction,
    why: event.why,
    kind: event.kind,
    encapsulation: event.encapsulation,
    src: sideText(event.src),
    dst: sideText(event.dst),
    flags: event.flags === 0 ? null : flagsText(event.flags),
    seq: event.seq,
    ack: event.ack,
    payload: event.payloadBytes,
    length: event.wireBytes,
  };
}

/** What was counted of one direction of a conversation, as a line of JSON. */
export function flowDocument(
  flow: TapFlow,
  interfaces: readonly KernelInterface[],
  epochOffsetNs: bigint,
): Readonly<Record<string, unknown>> {
  const { ifindex, protocol, src, dst, srcPort, dstPort, tunnels, packets, bytes, firstNs, lastNs, flags } = flow;
  return {
    interface: interfaces.find(({ index }) => index === ifindex)?.name ?? `#${ifindex}`,
    protocol: protocol === 6 ? "tcp" : "udp",
    src: endpointText({ address: src, port: srcPort }),
    dst: endpointText({ address: dst, port: dstPort }),
    tunnels,
    packets,
    bytes,
    first: epochText(firstNs + epochOffsetNs),
    last: epochText(lastNs + epochOffsetNs),
    flags: flags === 0 ? null : flagsText(flags),
  };
}

function portText(side: EndpointWords | null): string {
  return side === null || side.port === 0 ? "-" : String(side.port);
}

function sideText(side: EndpointWords | null): string | null {
  if (side === null) return null;
  return side.port === 0 ? addressText(side.address) : endpointText(side);
}
