import { createReadStream } from "node:fs";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { detectFormat, IMPORT_NAMES } from "./imports/detect.ts";
import { ImportSink } from "./imports/import-sink.ts";
import { completeTopology, emptyTopology } from "./merge.ts";
import { readTopologyFile } from "./read-file.ts";
import type { ThresholdRegistry } from "./thresholds.ts";
import type { Topology } from "./topology.ts";
import { TopologyError } from "./topology-error.ts";

/** Of `--topology FILE` and `--import FILE`, as the user gave them. */
export interface TopologySources {
  /** The topology file; `-` is stdin. */
  file?: string | undefined;
  /** What load balancers print or are configured by, told apart by content; `-` is stdin. */
  imports?: readonly string[] | undefined;
  /** What thresholds there are to set; without it only their form is checked. */
  registry?: ThresholdRegistry;
  stdin?: NodeJS.ReadableStream;
}

/** Unpacked, a text beyond this is no longer one string. */
const MAX_TEXT_BYTES = 500e6;

/**
 * Reads the topology file and the imports and puts them together. What an import cannot read is in `problems`, for
 * stderr; the rest of it is kept.
 *
 * @returns an empty topology where nothing is given
 * @throws TopologyError where the file has mistakes, or an import is none of the known formats; exit code 2
 * @throws the system's own error where a file cannot be read
 */
export async function loadTopology(sources: TopologySources): Promise<Topology> {
  const { file, imports = [], registry, stdin = process.stdin } = sources;
  const all = [...(file === undefined ? [] : [file]), ...imports];
  if (all.filter((path) => path === "-").length > 1) throw wrong("-", "can be read only once");
  const text = async (path: string) => textOf(path, await bytesOf(path, stdin));
  const topology = file === undefined ? emptyTopology() : readTopologyFile(await text(file), nameOf(file), registry);
  for (const path of imports) {
    const content = await text(path);
    if (content.trim() === "") {
      topology.problems.push({ source: nameOf(path), line: 0, column: 0, message: "is empty" });
      continue;
    }
    const format = detectFormat(content);
    if (format === null) {
      throw wrong(path, `none of the formats that can be imported: ${IMPORT_NAMES.join(", ")}`);
    }
    const sink = new ImportSink(nameOf(path), topology.connections);
    const before = topology.connections.count;
    format.read(content, sink);
    sink.finish();
    if (sink.vips.length === 0 && sink.virtualRouters.length === 0 && topology.connections.count === before) {
      sink.problem(0, `read as ${format.name}: no VIP and no translated connection in it`);
    }
    completeTopology(topology, sink);
  }
  return topology;
}

async function bytesOf(path: string, stdin: NodeJS.ReadableStream): Promise<Buffer> {
  if (path === "-") return buffer(stdin);
  // of a directory the system says only that it cannot be read, not which
  return buffer(createReadStream(path)).catch((error: NodeJS.ErrnoException) => {
    error.path ??= path;
    throw error;
  });
}

function textOf(path: string, bytes: Buffer): string {
  let plain = bytes;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      plain = gunzipSync(bytes, { maxOutputLength: MAX_TEXT_BYTES });
    } catch (error) {
      throw wrong(path, `cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (plain.length > MAX_TEXT_BYTES)
    throw wrong(path, `larger than ${MAX_TEXT_BYTES} bytes: give the part that is needed`);
  if (plain.subarray(0, 4096).includes(0))
    throw wrong(path, "not a text (is it a capture? those come without --import)");
  return plain.toString("utf8").replace(/^\u{feff}/u, "");
}

function nameOf(path: string): string {
  return path === "-" ? "stdin" : path;
}

function wrong(path: string, message: string): TopologyError {
  return new TopologyError([{ source: nameOf(path), line: 0, column: 0, message }]);
}
