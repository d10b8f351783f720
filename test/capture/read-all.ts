import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { openCapture } from "../../src/capture/open.ts";
import type { CaptureInterface, CaptureProblem, CaptureReader } from "../../src/capture/reader.ts";
import { TimeBase } from "../../src/capture/time-base.ts";

/** A packet as it was read back. */
export interface ReadPacket {
  /** Epoch time, `seconds.nanoseconds`; null where the file has none. */
  time: string | null;
  data: string;
  wire: number;
  interface: number;
  frame: number;
}

export interface ReadCapture {
  format: "pcap" | "pcapng";
  packets: ReadPacket[];
  interfaces: CaptureInterface[];
  problems: CaptureProblem[];
  /** Packets of each batch. */
  batches: number[];
}

const folder = mkdtempSync(join(tmpdir(), "l4scope-capture-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** Writes bytes to a temporary file that is removed with the process. */
export function temporaryFile(bytes: Uint8Array, name = "capture"): string {
  const path = join(folder, `${files++}-${name}`);
  writeFileSync(path, bytes);
  return path;
}

/** Reads a whole file through openCapture. */
export async function readFile(path: string): Promise<ReadCapture> {
  const timeBase = new TimeBase();
  return drain(await openCapture(path, { timeBase }), timeBase);
}

/** Reads bytes as a file. */
export function readBytes(bytes: Uint8Array): Promise<ReadCapture> {
  const path = temporaryFile(bytes);
  return readFile(path).finally(() => rmSync(path));
}

/** Reads bytes as stdin that arrives in pieces of the given sizes, repeated; what is left comes last. */
export async function readPieces(bytes: Uint8Array, sizes: readonly number[]): Promise<ReadCapture> {
  const timeBase = new TimeBase();
  const stdin = Readable.from(pieces(bytes, sizes), { objectMode: true });
  return drain(await openCapture("-", { timeBase, stdin }), timeBase);
}

function* pieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length;
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

/** Takes every packet out of a reader, copying what a batch only lends, and closes it. */
export async function drain(reader: CaptureReader, timeBase: TimeBase): Promise<ReadCapture> {
  const packets: ReadPacket[] = [];
  const batches: number[] = [];
  try {
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      batches.push(batch.count);
      for (let i = 0; i < batch.count; i++) {
        const start = batch.offset[i] ?? -1;
        const captured = batch.captured[i] ?? -1;
        const time = batch.time[i] ?? Number.NaN;
        if (start < 0 || captured < 0 || start + captured > batch.bytes.length)
          throw new Error("packet outside its batch");
        packets.push({
          time: Number.isNaN(time) ? null : timeBase.toEpoch(time),
          data: Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset + start, captured).toString("hex"),
          wire: batch.wire[i] ?? -1,
          interface: batch.interface[i] ?? -1,
          frame: batch.firstFrame + i,
        });
      }
    }
  } finally {
    await reader.close();
  }
  return {
    format: reader.format,
    packets,
    batches,
    interfaces: reader.interfaces.map((description) => ({ ...description })),
    problems: [...reader.problems],
  };
}

/** Nanoseconds since the epoch as TimeBase.toEpoch prints them. */
export function epoch(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
}
