import { basename } from "node:path";
import type { TimeBase } from "../../capture/time-base.ts";
import { fileOfFrame } from "../../flow/tracked-capture.ts";
import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegPacket } from "../../path/leg-packet.ts";
import type { LegRef } from "../../path/leg-set.ts";
import { enhancedPacket, type InterfaceDescription, interfaceDescription, sectionHeader } from "./pcapng-blocks.ts";

/** Which leg of which connection a packet belongs to. */
interface Place {
  connection: Connection;
  /** Position among the connection's legs. */
  leg: number;
}

/**
 * Packets of some connections from all captures as one pcapng: an interface per observation point, and on every packet
 * a comment such as `c17 up leg 2 lb1:eth1 dnat · lb1-eth1.pcap frame 12`.
 *
 * Packets keep the times that their own captures gave them, but are sorted by the reference clock, so that they come in
 * the order in which things happened; the section's comment says how far each clock was off.
 *
 * @returns the file in pieces
 */
export function* packetSlice(
  connected: Connected,
  connections: readonly Connection[],
  packets: readonly LegPacket[],
  timeBase: TimeBase,
): Generator<Uint8Array> {
  const { set } = connected;
  const places = new Map<LegRef, Place>();
  for (const connection of connections) {
    for (const [leg, ref] of connection.legs.entries()) places.set(ref, { connection, leg });
  }
  const chosen = packets.filter(({ leg }) => places.has(leg));
  const interfaces = new Map<string, number>();
  const descriptions: InterfaceDescription[] = [];
  const numbers = chosen.map((packet) => {
    const { name } = set.pointOf(packet.leg);
    const key = `${packet.capture} ${packet.linkType} ${name}`;
    const known = interfaces.get(key);
    if (known !== undefined) return known;
    interfaces.set(key, descriptions.length);
    const { path, interfaces: captured } = set.captures[packet.capture]!;
    const { snapLength, fcsLength } = captured[packet.interface]!;
    descriptions.push({ linkType: packet.linkType, name, description: basename(path), snapLength, fcsLength });
    return descriptions.length - 1;
  });
  yield sectionHeader("l4scope", sectionComments(connected, chosen));
  for (const description of descriptions) yield interfaceDescription(description);
  const base = BigInt(timeBase.seconds ?? 0) * 1_000_000_000n;
  const times = correctedTimes(connected, chosen);
  const order = chosen.map((_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);
  for (const i of order) {
    const packet = chosen[i]!;
    // a packet without a time has that of the one before it
    const time = Number.isNaN(packet.time) ? times[i]! : packet.time;
    yield enhancedPacket({
      interface: numbers[i]!,
      time: Number.isFinite(time) ? base + BigInt(Math.round(time)) : base,
      bytes: packet.bytes,
      wireLength: packet.wireLength,
      comment: commentOf(connected, packet, places.get(packet.leg)!),
    });
  }
}

function sectionComments({ set, clocks }: Connected, packets: readonly LegPacket[]): string[] {
  const captures = [...new Set(packets.map(({ capture }) => capture))].sort((a, b) => a - b);
  const offsets = captures.map((capture) => {
    const { offset, uncertainty } = clocks[capture]!;
    const name = basename(set.captures[capture]!.path);
    if (!Number.isFinite(uncertainty)) return `${name} unknown`;
    return `${name} ${offset < 0 ? "-" : "+"}${(Math.abs(offset) / 1e9).toFixed(6)} s`;
  });
  return [
    "Packets keep the times of their own captures, but are sorted by one reference clock.",
    `Clocks ahead of it: ${offsets.join(", ")}.`,
  ];
}

/** Times on the reference clock; without one, that of the packet before in the same capture. */
function correctedTimes({ clocks }: Connected, packets: readonly LegPacket[]): Float64Array {
  const last = new Map<number, number>();
  return Float64Array.from(packets, ({ capture, time }) => {
    const corrected = Number.isNaN(time) ? (last.get(capture) ?? 0) : time - clocks[capture]!.at(time);
    last.set(capture, corrected);
    return corrected;
  });
}

function commentOf({ set }: Connected, packet: LegPacket, { connection, leg }: Place): string {
  const ref = packet.leg;
  const hop = connection.hops[leg]!;
  const { path, frame } = fileOfFrame(set.captures[packet.capture]!, packet.frame);
  const way = `${packet.direction}${packet.isError ? " icmp-error" : ""}`;
  return `c${connection.id} ${way} leg ${leg + 1} ${set.pointOf(ref).name} ${hop} · ${basename(path)} frame ${frame}`;
}
