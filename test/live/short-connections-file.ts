import { closeSync, openSync, writeSync } from "node:fs";
import type { PacketBatch } from "../../src/capture/packet-batch.ts";
import { ShortConnections } from "./short-connections.ts";

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const RECORD_HEADER = 16;

/** The beginning of a capture of headers of Ethernet frames, with nanoseconds. */
export function pcapHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC_NANOSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(96, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

/** A batch's packets as records of a capture, in the order of time. */
export function pcapRecords({ count, time, captured, wire, offset, bytes }: PacketBatch): Buffer {
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => time[a]! - time[b]!);
  const out = Buffer.alloc(order.reduce((sum, i) => sum + RECORD_HEADER + captured[i]!, 0));
  let at = 0;
  for (const i of order) {
    out.writeUInt32LE(1_700_000_000 + Math.floor(time[i]! / 1e9), at);
    out.writeUInt32LE(Math.floor(time[i]! % 1e9), at + 4);
    out.writeUInt32LE(captured[i]!, at + 8);
    out.writeUInt32LE(wire[i]!, at + 12);
    out.set(bytes.subarray(offset[i]!, offset[i]! + captured[i]!), at + RECORD_HEADER);
    at += RECORD_HEADER + captured[i]!;
  }
  return out;
}

/** Writes a capture of many short connections: 490 bytes each. */
export function writeShortConnections(path: string, total: number, perSecond: number, open = 0): void {
  const file = openSync(path, "w");
  writeSync(file, pcapHeader());
  const traffic = new ShortConnections(perSecond, open);
  while (traffic.made < total) writeSync(file, pcapRecords(traffic.fill(Math.min(500, total - traffic.made))));
  closeSync(file);
}
