import { LINK, networkLayer } from "./rename.ts";
import type { SeenCapture, SeenPacket } from "./seen-capture.ts";

/** No merged segment is longer (IPv4's length). */
const LONGEST = 65_000;
const PSH = 8;

/** A TCP segment in a packet: where its headers are, and how much it carries. */
interface Segment {
  ip: number;
  tcp: number;
  flow: string;
  seq: number;
  ack: number;
  flags: number;
  headerEnd: number;
  length: number;
}

/**
 * A capture of a host with receive or segmentation offload: segments that follow each other within `withinNs` are one
 * packet, at the time of the first (as a sender's capture has them) with the header of the first and the last
 * acknowledgment. Full segments only begin and go on; one that is pushed ends it.
 */
export function mergedSegments(capture: SeenCapture, withinNs: number): SeenCapture {
  const open = new Map<string, { packet: SeenPacket; segment: Segment; index: number; until: number }>();
  const packets: (SeenPacket | null)[] = [];
  for (const packet of capture.packets) {
    const segment = segmentOf(capture, packet);
    const known = segment ? open.get(segment.flow) : undefined;
    if (
      segment &&
      known &&
      segment.length > 0 &&
      segment.seq === ((known.segment.seq + known.segment.length) | 0) &&
      segment.ack === known.segment.ack &&
      packet.time - known.until <= withinNs &&
      known.segment.length + segment.length <= LONGEST
    ) {
      known.segment = { ...known.segment, length: known.segment.length + segment.length };
      known.packet = joined(known.packet, known.segment, packet, segment);
      packets[known.index] = known.packet;
      known.until = packet.time;
      if ((segment.flags & PSH) !== 0) open.delete(segment.flow);
      continue;
    }
    packets.push(packet);
    if (segment) {
      if (segment.length > 0 && (segment.flags & ~PSH) === 16 && (segment.flags & PSH) === 0)
        open.set(segment.flow, { packet, segment, index: packets.length - 1, until: packet.time });
      else open.delete(segment.flow);
    }
  }
  return { ...capture, packets: packets.filter((packet) => packet !== null) };
}

/** The first packet with the last one's payload behind its own, as far as both were captured. */
function joined(first: SeenPacket, merged: Segment, last: SeenPacket, lastSegment: Segment): SeenPacket {
  const end = merged.headerEnd + merged.length - lastSegment.length;
  const bytes =
    first.bytes.length >= end
      ? Buffer.concat([
          first.bytes.subarray(0, end),
          last.bytes.subarray(lastSegment.headerEnd, lastSegment.headerEnd + lastSegment.length),
        ])
      : first.bytes.slice();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint16(merged.ip + 2, merged.headerEnd - merged.ip + merged.length);
  bytes[merged.tcp + 13] = merged.flags | (lastSegment.flags & PSH);
  return { ...first, bytes: new Uint8Array(bytes), wire: first.wire + lastSegment.length };
}

/** A segment in plain IPv4 whose headers were captured, else null. */
function segmentOf(capture: SeenCapture, { bytes, interface: number }: SeenPacket): Segment | null {
  const network = networkLayer(bytes, capture.interfaces[number]?.linkType ?? LINK.ethernet);
  if (network?.etherType !== 0x0800) return null;
  const ip = network.offset;
  if (ip + 40 > bytes.length || bytes[ip + 9] !== 6) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tcp = ip + ((bytes[ip] ?? 0) & 15) * 4;
  if (tcp + 20 > bytes.length || (view.getUint16(ip + 6) & 0x3fff) !== 0) return null;
  const headerEnd = tcp + ((bytes[tcp + 12] ?? 0) >>> 4) * 4;
  return {
    ip,
    tcp,
    flow: `${number} ${view.getUint32(ip + 12)} ${view.getUint32(ip + 16)} ${view.getUint32(tcp)}`,
    seq: view.getInt32(tcp + 4),
    ack: view.getInt32(tcp + 8),
    flags: bytes[tcp + 13] ?? 0,
    headerEnd,
    length: view.getUint16(ip + 2) - (headerEnd - ip),
  };
}
