import { closeSync, openSync, writeSync } from "node:fs";
import { StoreError } from "./store-error.ts";
import type { StoreReader } from "./store-reader.ts";

/**
 * Writes the packets that were kept of connections into one pcapng file, each connection's as a section of its own: any
 * reader of pcapng takes them one after the other.
 *
 * @param keys of connections
 * @returns of how many of them packets were kept
 * @throws StoreError where no packets were kept of any
 */
export function writeStoredPackets(path: string, reader: StoreReader, keys: Iterable<number>): number {
  let file: number | null = null;
  let connections = 0;
  try {
    for (const key of keys) {
      const rows = reader.read("SELECT pcapng FROM evidence WHERE connection = ? ORDER BY time_ns, id", key);
      if (rows.length > 0) connections++;
      for (const { pcapng } of rows) {
        if (!Buffer.isBuffer(pcapng)) continue;
        file ??= openSync(path, "w");
        writeSync(file, pcapng);
      }
    }
  } finally {
    if (file !== null) closeSync(file);
  }
  if (connections === 0) {
    throw new StoreError(
      `${reader.path}: no packets were kept of these connections; l4scope query evidence lists what was`,
      "input",
    );
  }
  return connections;
}
