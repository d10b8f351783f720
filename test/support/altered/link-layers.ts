import { LINK, networkLayer } from "./rename.ts";
import type { SeenCapture, SeenPacket } from "./seen-capture.ts";

const VLAN_TAG = [0x81, 0x00];

const isEthernet = (capture: SeenCapture, packet: SeenPacket) =>
  capture.interfaces[packet.interface]?.linkType === LINK.ethernet && packet.bytes.length >= 14;

/** Every Ethernet frame with a VLAN tag, as on a trunk. */
export function tagged(capture: SeenCapture, vlan: number): SeenCapture {
  return {
    ...capture,
    packets: capture.packets.map((packet) => {
      if (!isEthernet(capture, packet)) return packet;
      const bytes = new Uint8Array(packet.bytes.length + 4);
      bytes.set(packet.bytes.subarray(0, 12));
      bytes.set([...VLAN_TAG, vlan >>> 8, vlan & 255], 12);
      bytes.set(packet.bytes.subarray(12), 16);
      return { ...packet, bytes, wire: packet.wire + 4 };
    }),
  };
}

/** An Ethernet capture as another link type tells it; others stay as they are. */
export function onLinkType(capture: SeenCapture, kind: "raw" | "sll" | "sll2"): SeenCapture {
  if (!capture.interfaces.every(({ linkType }) => linkType === LINK.ethernet)) return capture;
  const own = ownMacs(capture);
  const packets = capture.packets.flatMap((packet): SeenPacket[] => {
    const network = networkLayer(packet.bytes, LINK.ethernet);
    if (!network) return [];
    const body = packet.bytes.subarray(network.offset);
    if (kind === "raw") {
      const isIp = network.etherType === 0x0800 || network.etherType === 0x86dd;
      return isIp ? [{ ...packet, bytes: body, wire: packet.wire - network.offset }] : [];
    }
    const header =
      kind === "sll" ? cooked(packet.bytes, network.etherType, own) : cooked2(packet.bytes, network.etherType, own);
    const bytes = new Uint8Array(header.length + body.length);
    bytes.set(header);
    bytes.set(body, header.length);
    return [{ ...packet, bytes, wire: packet.wire - network.offset + header.length }];
  });
  return { ...capture, interfaces: capture.interfaces.map((one) => ({ ...one, linkType: LINK[kind] })), packets };
}

/** 0 to this host, 1 broadcast, 2 multicast, 3 to somebody else, 4 by this host (packet(7)). */
function packetType(frame: Uint8Array, own: ReadonlySet<string>): number {
  if (own.has(macAt(frame, 6))) return 4;
  if (macAt(frame, 0) === "ffffffffffff") return 1;
  if (((frame[0] ?? 0) & 1) !== 0) return 2;
  return own.has(macAt(frame, 0)) ? 0 : 3;
}

function cooked(frame: Uint8Array, etherType: number, own: ReadonlySet<string>): Uint8Array {
  const header = new Uint8Array(16);
  header.set([0, packetType(frame, own), 0, 1, 0, 6]);
  header.set(frame.subarray(6, 12), 6);
  header.set([etherType >>> 8, etherType & 255], 14);
  return header;
}

function cooked2(frame: Uint8Array, etherType: number, own: ReadonlySet<string>): Uint8Array {
  const header = new Uint8Array(20);
  header.set([etherType >>> 8, etherType & 255, 0, 0, 0, 0, 0, 2, 0, 1, packetType(frame, own), 6]);
  header.set(frame.subarray(6, 12), 12);
  return header;
}

/** The capturing interface's own MAC: the one that most of its frames have, at one end or the other. */
function ownMacs(capture: SeenCapture): Set<string> {
  const counts = new Map<string, number>();
  for (const { bytes } of capture.packets) {
    for (const mac of [macAt(bytes, 0), macAt(bytes, 6)]) counts.set(mac, (counts.get(mac) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return new Set(most ? [most[0]] : []);
}

function macAt(frame: Uint8Array, at: number): string {
  return Buffer.from(frame.subarray(at, at + 6)).toString("hex");
}
