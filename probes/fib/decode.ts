import { decodeHead, type EventHead, HEAD_BYTES, HOST_ORDER, readKind } from "../../src/probe/event-head.ts";
import type { DecodeContext, Decoder } from "../../src/probe/manifest.ts";
import { macText, type NamespaceNames } from "../../src/probe/namespace-names.ts";

export interface NextHop {
  /** Interface that packets leave by: `eth1`; `#3` in another network namespace. */
  interface: string;
  /** MAC that they are sent to; null on interfaces without a link layer. */
  mac: string | null;
  /** An address of who has that MAC, null where the neighbour table has none. */
  address: string | null;
}

/** A conversation's packets leave by a next hop, for the first time or by another one. Remote is where they come from. */
export interface FibEvent extends EventHead {
  change: "chosen" | "changed";
  /** IP protocol number. */
  protocol: number;
  /** Interface that the packet came in by; null where this host sent it itself. */
  from: string | null;
  hop: NextHop;
  /** Null where it is the first. */
  before: NextHop | null;
  /** Packets that left by the hop before. */
  packetsBefore: number;
}

const KIND_CHANGED = 1;
const HOP_BYTES = 12;

export function createFibDecoder({ epochOffsetNs }: DecodeContext, names: NamespaceNames): Decoder<FibEvent> {
  return (bytes, offset) => {
    const head = decodeHead(bytes, offset, epochOffsetNs);
    const at = offset + HEAD_BYTES;
    const isChange = readKind(bytes, offset) === KIND_CHANGED;
    const from = bytes.getUint32(at + 2 * HOP_BYTES + 8, HOST_ORDER);
    return {
      ...head,
      change: isChange ? "changed" : "chosen",
      protocol: bytes.getUint8(at + 2 * HOP_BYTES + 12),
      from: from === 0 ? null : names.interfaceName(head.netns, from),
      hop: readHop(bytes, at, head.netns, names),
      before: isChange ? readHop(bytes, at + HOP_BYTES, head.netns, names) : null,
      packetsBefore: Number(bytes.getBigUint64(at + 2 * HOP_BYTES, HOST_ORDER)),
    };
  };
}

function readHop(bytes: DataView, at: number, netns: number, names: NamespaceNames): NextHop {
  const ifindex = bytes.getUint32(at, HOST_ORDER);
  const mac = new Uint8Array(bytes.buffer, bytes.byteOffset + at + 4, 6);
  const text = mac.every((byte) => byte === 0) ? null : macText(mac);
  return {
    interface: names.interfaceName(netns, ifindex),
    mac: text,
    address: text === null ? null : names.neighbour(netns, ifindex, text),
  };
}
