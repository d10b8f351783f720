import type { FlowCounter } from "../capture/live-source.ts";
import * as L from "./leg-layout.ts";
import { conversationHash } from "./leg-table.ts";
import type { FlowTracker } from "./tracker.ts";

/**
 * Completes a leg by what a source counted of packets that it did not hand on: packets, bytes, and when the last one
 * was. Payload is reckoned with the headers of the packets that were seen. A count never goes back.
 *
 * @returns the leg, -1 where none is known
 */
export function raiseCounts(tracker: FlowTracker, counter: FlowCounter): number {
  const { legs, points } = tracker;
  const { src, dst, srcPort, dstPort, protocol } = counter;
  const point = points.of(counter.interface, 0);
  const ports = (srcPort << 16) | dstPort;
  const hash = conversationHash(...src, ...dst, ports, point * 65599);
  const leg = legs.find(hash, point, 0, protocol, ports, ...src, ...dst);
  if (leg < 0) return -1;
  const w = legs.words(leg);
  const d = legs.doubles(leg);
  const at = legs.base(leg);
  const isOpener = w[at + L.PORTS]! >>> 16 === srcPort && src.every((word, i) => w[at + L.ADDRESS + i] === word);
  const s = at + (isOpener ? L.SIDE_0 : L.SIDE_1);
  const more = counter.packets - w[s + L.PACKETS]!;
  // a side of which nothing was seen has no times or numbers to go with its counts
  if (more <= 0 || w[s + L.PACKETS] === 0) return leg;
  const wire = d[(s >> 1) + L.WIRE_BYTES_D]!;
  const headers = (wire - d[(s >> 1) + L.PAYLOAD_BYTES_D]!) / w[s + L.PACKETS]!;
  const moreBytes = Math.max(0, counter.bytes - wire);
  w[s + L.PACKETS] = counter.packets;
  d[(s >> 1) + L.WIRE_BYTES_D] = wire + moreBytes;
  d[(s >> 1) + L.PAYLOAD_BYTES_D]! += Math.max(0, Math.round(moreBytes - more * headers));
  if (counter.lastTime > d[(s >> 1) + L.SIDE_LAST_TIME_D]!) d[(s >> 1) + L.SIDE_LAST_TIME_D] = counter.lastTime;
  if (counter.lastTime > d[(at >> 1) + L.LAST_TIME_D]!) d[(at >> 1) + L.LAST_TIME_D] = counter.lastTime;
  return leg;
}
