import { cutShort, DONE } from "./next.ts";
import { IS_ARP, MAPPED, type Packet } from "./packet.ts";

/** ARP for IPv4 over Ethernet (RFC 826). Others are left alone. */
export function arp(p: Packet, view: DataView): number {
  const at = p.offset;
  if (at + 28 > p.end) return cutShort(p);
  if (view.getInt32(at) !== 0x00010800 || view.getUint16(at + 4) !== 0x0604) return DONE;
  p.arpOperation = view.getUint16(at + 6);
  p.arpSenderHigh = view.getUint16(at + 8);
  p.arpSenderLow = view.getInt32(at + 10);
  p.src0 = 0;
  p.src1 = 0;
  p.src2 = MAPPED;
  p.src3 = view.getInt32(at + 14);
  p.dst0 = 0;
  p.dst1 = 0;
  p.dst2 = MAPPED;
  p.dst3 = view.getInt32(at + 24);
  p.ipVersion = 4;
  p.kind = IS_ARP;
  return DONE;
}
