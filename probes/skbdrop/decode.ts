import { decodeHead, type EventHead, HEAD_BYTES, HOST_ORDER } from "../../src/probe/event-head.ts";
import type { KernelSymbols } from "../../src/probe/kernel-symbols.ts";
import type { DecodeContext, Decoder } from "../../src/probe/manifest.ts";

/** One packet that the kernel dropped; it may stand for more of the same. Remote is its source, local its destination. */
export interface SkbdropEvent extends EventHead {
  /** The kernel's own (enum skb_drop_reason without its prefix): `NO_SOCKET`; null where it gives none. */
  reason: string | null;
  /** The kernel function that gave it up, with the bytes into it: `tcp_v4_rcv+0x9c`. */
  place: string;
  /** How many of this reason and place it stands for, itself included: those since the last one told, by one processor. */
  packets: number;
  /** IP protocol number; null where the packet is not IP. */
  protocol: number | null;
  /** EtherType: 0x0806 is ARP. */
  etherType: number;
  /** Interface number in its namespace; null where the packet had none any longer. */
  ifindex: number | null;
  /** Bytes of the packet, from where the kernel had got to. */
  length: number;
  /** TCP's. */
  flags: number;
}

const PREFIX = "SKB_DROP_REASON_";
const NO_REASON = 0xffffffff;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;

/** @param symbols of the kernel that the events come from; null where they may not be seen */
export function createSkbdropDecoder(
  { epochOffsetNs, enumNames }: DecodeContext,
  symbols: () => KernelSymbols | null,
): Decoder<SkbdropEvent> {
  const reasons = enumNames("skb_drop_reason");
  return (bytes, offset) => {
    const at = offset + HEAD_BYTES;
    const etherType = bytes.getUint16(at + 28, HOST_ORDER);
    const protocol = bytes.getUint8(at + 30);
    const ifindex = bytes.getUint32(at + 20, HOST_ORDER);
    return {
      ...decodeHead(bytes, offset, epochOffsetNs),
      reason: reasonText(bytes.getUint32(at + 16, HOST_ORDER), reasons),
      place: placeText(bytes.getBigUint64(at, HOST_ORDER), symbols()),
      packets: Number(bytes.getBigUint64(at + 8, HOST_ORDER)),
      protocol: etherType === IPV4 || etherType === IPV6 ? protocol : null,
      etherType,
      ifindex: ifindex === 0 ? null : ifindex,
      length: bytes.getUint32(at + 24, HOST_ORDER),
      flags: bytes.getUint8(at + 31),
    };
  };
}

/** Reasons of subsystems have their own numbers, which no enum names: `SUBSYS_2_5`. */
export function reasonText(number: number, names: ReadonlyMap<number, string>): string | null {
  if (number === NO_REASON) return null;
  const name = names.get(number)?.replace(PREFIX, "");
  return name ?? (number >>> 16 === 0 ? String(number) : `SUBSYS_${number >>> 16}_${number & 0xffff}`);
}

export function placeText(address: bigint, symbols: KernelSymbols | null): string {
  const found = symbols?.resolve(address) ?? null;
  return found === null ? `0x${address.toString(16)}` : `${found.name}+0x${found.offsetBytes.toString(16)}`;
}
