import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TimeBase } from "../../capture/time-base.ts";
import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegPacket } from "../../path/leg-packet.ts";
import { packetSlice } from "./packet-slice.ts";

/**
 * Writes the packets of some connections as pcapng, see `packetSlice`; a file of that name is replaced.
 *
 * @throws what the file system says where it cannot be written
 */
export async function writeSlice(
  path: string,
  connected: Connected,
  connections: readonly Connection[],
  packets: readonly LegPacket[],
  timeBase: TimeBase,
): Promise<void> {
  await pipeline(Readable.from(packetSlice(connected, connections, packets, timeBase)), createWriteStream(path));
}
