import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { A_DAY, type MadeTraffic, madeConnections } from "../../fixtures/bench/made-connections.ts";
import type { RunFacts } from "../../src/store/store-input.ts";
import { StoreReader } from "../../src/store/store-reader.ts";
import { StoreWriter, type WriterOptions } from "../../src/store/store-writer.ts";
import type { ConnectionToStore } from "../../src/store/stored-connection.ts";

export const FACTS: RunFacts = { command: "record", version: "1.2.3", host: "lb1", sources: ["eth0", "eth1"] };

/** Runs something with the path of a store that is not there yet, and removes its folder. */
export async function withStore<T>(run: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-store-"));
  try {
    return await run(join(folder, "l4.db"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Connections as made for the benchmark, all at once. */
export function someConnections(traffic: Partial<MadeTraffic>): ConnectionToStore[] {
  return [...madeConnections({ ...A_DAY, ...traffic })].flat();
}

/** Writes connections into a store as a run. */
export async function fill(
  path: string,
  connections: readonly ConnectionToStore[],
  options: WriterOptions = {},
): Promise<StoreWriter> {
  const writer = await StoreWriter.open(path, FACTS, options);
  for (let i = 0; i < connections.length; i += 500) writer.addConnections(connections.slice(i, i + 500));
  writer.close();
  return writer;
}

/** Reads something out of a store. */
export async function reading<T>(path: string, read: (reader: StoreReader) => T): Promise<T> {
  const reader = await StoreReader.open(path);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}
