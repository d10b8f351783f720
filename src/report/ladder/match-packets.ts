import { ACK, FIN, RST, SYN } from "../../decode/packet.ts";
import type { Direction } from "../../path/leg-packet.ts";
import type { LegRef } from "../../path/leg-set.ts";
import { earliest, type PacketEvent } from "./packet-event.ts";
import { joinResegmented } from "./resegmented.ts";
import type { Sighting } from "./sighting.ts";

/** The same packet at two points, queues and clocks included; a SYN is sent again after a second. */
const JOURNEY_NS = 0.9e9;
/** Twice at one point within this is one packet on two stretches of its way, as the tracker has it. */
const COPY_WINDOW_NS = 20e6;
/** First bytes of a datagram by which it is known. */
const DATAGRAM_BYTES = 32;
/** Share of packets whose identification may differ between points before it is taken for rewritten. */
const REWRITTEN_IDS = 0.05;

/** How much a leg's sequence numbers are ahead of the session's: a SYN proxy answers with numbers of its own. */
export type SequenceShift = (leg: LegRef, direction: Direction) => number;

/**
 * Finds the sightings that are the same packet of one session: NAT, DSR and tunnels leave sequence numbers and lengths
 * alone. What was sent several times is told apart by IP identification, where that is kept, and by time.
 *
 * @param sightings of the legs of one TCP or UDP session
 * @returns events in the order of their earliest sightings
 */
export function matchPackets(session: number, sightings: readonly Sighting[], shift: SequenceShift): PacketEvent[] {
  const sorted = sightings.toSorted((a, b) => a.time - b.time || a.packet.frame - b.packet.frame);
  const datagramDepth = commonDepth(sorted);
  const keys = sorted.map((sighting) => keyOf(sighting, shift, datagramDepth));
  const keepsIds = areIdsKept(sorted, keys);
  const open = new Map<string, PacketEvent[]>();
  const events: PacketEvent[] = [];
  sorted.forEach((sighting, i) => {
    const key = keys[i]!;
    const candidates = open.get(key) ?? [];
    const event = bestFor(sighting, candidates, keepsIds);
    if (event) {
      event.sightings.push(sighting);
      return;
    }
    const { direction, kind, ack, flags, window, length, time } = sighting;
    const seq = (sighting.seq - shift(sighting.leg, direction)) >>> 0;
    const created = { session, direction, kind, sightings: [sighting], seq, ack, flags, window, length, time };
    events.push(created);
    candidates.push(created);
    open.set(key, candidates);
  });
  const joined = joinResegmented(events);
  for (const event of joined) event.time = earliest(event.sightings);
  return joined.toSorted((a, b) => a.time - b.time);
}

function keyOf(sighting: Sighting, shift: SequenceShift, datagramDepth: number): string {
  const { kind, direction, leg, seq, ack, flags, length, error } = sighting;
  if (kind === "error" && error) return `${direction} e ${error.type} ${error.code} ${error.quotedSeq}`;
  if (kind === "udp") return `${direction} u ${length} ${hashOf(sighting.payload.subarray(0, datagramDepth))}`;
  if (kind === "fragment") return `${direction} f ${seq} ${length}`;
  const other = direction === "up" ? "down" : "up";
  const ownSeq = (seq - shift(leg, direction)) >>> 0;
  const ownAck = (flags & ACK) === 0 ? 0 : (ack - shift(leg, other)) >>> 0;
  return `${direction} ${ownSeq} ${length} ${flags & (FIN | SYN | RST | ACK)} ${ownAck}`;
}

/** The event that a sighting is another of, or undefined where it is the first of its packet. */
function bestFor(sighting: Sighting, candidates: readonly PacketEvent[], keepsIds: boolean): PacketEvent | undefined {
  let best: PacketEvent | undefined;
  for (let i = candidates.length - 1; i >= 0; i--) {
    const event = candidates[i]!;
    if (sighting.time - event.time > JOURNEY_NS) break;
    const first = event.sightings[0]!;
    const hasIds = sighting.ipId > 0 && first.ipId > 0;
    if (keepsIds && hasIds && first.ipId !== sighting.ipId) continue;
    const here = event.sightings.findLast(({ leg }) => leg === sighting.leg);
    if (here && !isCopy(here, sighting)) continue;
    if (hasIds && first.ipId === sighting.ipId) return event;
    best ??= event;
  }
  return best;
}

function isCopy(before: Sighting, after: Sighting): boolean {
  if (after.time - before.time > COPY_WINDOW_NS) return false;
  const isElsewhere = before.srcMac !== after.srcMac || before.dstMac !== after.dstMac || before.ttl !== after.ttl;
  return isElsewhere || (before.ipId > 0 && before.ipId === after.ipId);
}

/** Whether what rewrites addresses leaves the identification alone, judged by packets that cannot be mistaken. */
function areIdsKept(sightings: readonly Sighting[], keys: readonly string[]): boolean {
  const byKey = new Map<string, Sighting[]>();
  sightings.forEach((sighting, i) => {
    const list = byKey.get(keys[i]!);
    if (list) list.push(sighting);
    else byKey.set(keys[i]!, [sighting]);
  });
  let equal = 0;
  let different = 0;
  for (const group of byKey.values()) {
    if (new Set(group.map(({ leg }) => leg)).size !== group.length) continue;
    for (const { ipId } of group.slice(1)) {
      if (ipId <= 0 || group[0]!.ipId <= 0) continue;
      if (ipId === group[0]!.ipId) equal++;
      else different++;
    }
  }
  return different <= REWRITTEN_IDS * equal;
}

/** Bytes that every capture has of a datagram, as far as they are looked at. */
function commonDepth(sightings: readonly Sighting[]): number {
  let depth = DATAGRAM_BYTES;
  for (const { kind, payload, length } of sightings) {
    if (kind === "udp" && payload.length < length) depth = Math.min(depth, payload.length);
  }
  return depth;
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
