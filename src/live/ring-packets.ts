import type { TimeBase } from "../capture/time-base.ts";
import { Decoder } from "../decode/decode.ts";
import { Packet } from "../decode/packet.ts";
import { ICMP_ERROR } from "../flow/event-log.ts";
import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import type { Direction, LegPacket } from "../path/leg-packet.ts";
import type { LegRef } from "../path/leg-set.ts";
import { packetSlice } from "../report/packet-slice/packet-slice.ts";
import type { PacketRing, RingPacket } from "./packet-ring.ts";

/** Packets of some connections that are still in the ring, and the ICMP errors that quote them; in order of arrival. */
export function packetsOf({ set }: Connected, connections: readonly Connection[], ring: PacketRing): LegPacket[] {
  const firstFrame = new Map<LegRef, number>();
  /** Frames of errors with the leg that they quote, by source and frame. */
  const errors = new Map<string, LegRef>();
  for (const { legs } of connections) {
    for (const ref of legs) {
      firstFrame.set(ref, set.view(ref).firstFrame);
      const { tracker, capture } = set.trackOf(ref);
      for (const { kind, frame } of tracker.events.of(tracker.legs, set.legOf(ref))) {
        if (kind === ICMP_ERROR) errors.set(`${capture} ${frame}`, ref);
      }
    }
  }
  const refOf = (source: number, leg: number, frame: number): LegRef | undefined => {
    if (leg < 0) return errors.size === 0 ? undefined : errors.get(`${source} ${frame}`);
    const ref = set.ref(source, leg);
    const first = firstFrame.get(ref);
    // a number that was another leg's before
    return first !== undefined && frame >= first ? ref : undefined;
  };
  const decoder = new Decoder();
  const record = new Packet();
  const found: LegPacket[] = [];
  for (const packet of ring.select((source, leg, frame) => refOf(source, leg, frame) !== undefined)) {
    const leg = refOf(packet.source, packet.leg, packet.frame)!;
    const isError = packet.leg < 0;
    found.push({
      leg,
      capture: packet.source,
      interface: packet.interface,
      linkType: packet.linkType,
      direction: directionOf(decoder, record, packet, set.view(leg), isError),
      frame: packet.frame,
      time: packet.time,
      wireLength: packet.wireLength,
      bytes: packet.bytes.slice(),
      isError,
    });
  }
  return found;
}

/** The same as a pcapng file. */
export function pcapngOf(
  connected: Connected,
  connections: readonly Connection[],
  packets: readonly LegPacket[],
  timeBase: TimeBase,
): Uint8Array {
  const pieces = [...packetSlice(connected, connections, packets, timeBase)];
  // memory of its own: it goes to another thread
  const file = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}

function directionOf(
  decoder: Decoder,
  p: Packet,
  { bytes, wireLength, linkType }: RingPacket,
  { src, srcPort }: { src: readonly number[]; srcPort: number },
  isError: boolean,
): Direction {
  decoder.decode(
    p,
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    0,
    bytes.length,
    wireLength,
    linkType,
  );
  // an error travels back to the sender of what it quotes
  const from = isError ? [p.quotedDst0, p.quotedDst1, p.quotedDst2, p.quotedDst3] : [p.src0, p.src1, p.src2, p.src3];
  const port = isError ? p.quotedDstPort : p.srcPort;
  return port === srcPort && from.every((word, i) => word === src[i]) ? "up" : "down";
}
