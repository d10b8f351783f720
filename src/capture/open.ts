import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ByteFeed, ensure } from "./byte-feed.ts";
import { FileFeed } from "./file-feed.ts";
import { GunzipPieces } from "./gunzip.ts";
import { openPcap } from "./pcap.ts";
import { PcapngReader } from "./pcapng.ts";
import { PieceFeed } from "./piece-feed.ts";
import { FilePieces, type Pieces, peek, StreamPieces } from "./pieces.ts";
import { CaptureError, type CaptureReader } from "./reader.ts";
import { describeForeign, type InputFormat, SNIFF_BYTES, sniff } from "./sniff.ts";
import type { TimeBase } from "./time-base.ts";
import { UnzstdPieces } from "./unzstd.ts";

export interface OpenOptions {
  /** Shared by every input of a run. */
  timeBase: TimeBase;
  /** What `-` reads; process.stdin where left out. */
  stdin?: NodeJS.ReadableStream;
}

/** Bytes looked at to say what something that is no capture might be (a tar's magic is the furthest). */
const HEAD_BYTES = 512;
const SECTION_HEADER_BYTES = 28;

/**
 * Opens a capture: pcap or pcapng, plain or compressed with gzip or zstd, told by its content.
 *
 * @param path of a file, a named pipe or a device; `-` is stdin.
 * @throws CaptureError with one line for the user where it cannot be read as a capture at all.
 */
export async function openCapture(path: string, options: OpenOptions): Promise<CaptureReader> {
  if (path === "-") return openStream("stdin", path, options.stdin ?? process.stdin, options.timeBase);
  const { handle, size, isRegular } = await openFile(path);
  if (!isRegular) return openStream(path, path, handle.createReadStream(), options.timeBase);
  let open: { close(): Promise<void> } = handle;
  try {
    const head = await readHead(handle, path);
    if (head.length === 0) {
      throw new CaptureError(
        `cannot read ${path}: the file is empty; tcpdump -U writes each packet at once, so that a stopped capture has something`,
      );
    }
    const format = sniff(head);
    if (format === "pcap" || format === "pcapng") {
      const feed = new FileFeed(handle, size);
      open = feed;
      return await openFeed(path, format, feed, options.timeBase);
    }
    if (format === null) throw foreign(path, head);
    const pieces = decompress(format, new FilePieces(handle), false);
    open = pieces;
    return await openPieces(path, path, pieces, { totalBytes: size, live: false }, options.timeBase);
  } catch (error) {
    await open.close();
    throw error;
  }
}

async function openStream(
  name: string,
  path: string,
  stream: NodeJS.ReadableStream,
  timeBase: TimeBase,
): Promise<CaptureReader> {
  if ("isTTY" in stream && stream.isTTY === true) {
    throw new CaptureError(
      `cannot read ${name}: it is a terminal; pipe a capture: tcpdump -U -w - | l4scope analyze -`,
    );
  }
  let pieces: Pieces = new StreamPieces(stream);
  try {
    const raw = await peek(pieces, SNIFF_BYTES);
    pieces = raw.pieces;
    if (raw.head.length === 0) {
      const reason = raw.pieces.failure?.message.match(/\((.*)\)/)?.[1];
      throw new CaptureError(
        reason === undefined
          ? `cannot read ${name}: it ended without a byte; check that the command that writes the capture runs (tcpdump needs root)`
          : `cannot read ${name}: ${reason}; check what feeds it`,
      );
    }
    const format = sniff(raw.head);
    if (format === "gzip" || format === "zstd") pieces = decompress(format, pieces, true);
    return await openPieces(name, path, pieces, { totalBytes: null, live: true }, timeBase);
  } catch (error) {
    await pieces.close();
    throw error;
  }
}

/** Pieces that are a capture themselves, no longer compressed. */
async function openPieces(
  name: string,
  path: string,
  pieces: Pieces,
  input: { totalBytes: number | null; live: boolean },
  timeBase: TimeBase,
): Promise<CaptureReader> {
  const { head, pieces: rest } = await peek(pieces, SNIFF_BYTES);
  const format = sniff(head);
  if (head.length < SNIFF_BYTES && pieces.failure !== null) {
    const reason = pieces.failure.message.replace(/;.*/, "");
    throw new CaptureError(`cannot read ${name}: ${reason}, and no packet comes before; record or copy it again`);
  }
  if (format === "pcap" || format === "pcapng") {
    return openFeed(path, format, new PieceFeed(rest, input), timeBase);
  }
  if (head.length === 0) throw new CaptureError(`cannot read ${name}: nothing is compressed in it; record it again`);
  if (format !== null) {
    throw new CaptureError(`cannot read ${name}: it is compressed twice; decompress it once and give the result`);
  }
  throw foreign(name, head);
}

async function openFeed(
  path: string,
  format: "pcap" | "pcapng",
  feed: ByteFeed,
  timeBase: TimeBase,
): Promise<CaptureReader> {
  if (format === "pcap") return openPcap(path, feed, timeBase);
  if (!(await ensure(feed, SECTION_HEADER_BYTES))) {
    throw new CaptureError(
      `cannot read ${path}: the pcapng is cut short within its first block (${feed.end - feed.start} of ${SECTION_HEADER_BYTES} bytes); record or copy it again`,
    );
  }
  return new PcapngReader(path, feed, timeBase);
}

function decompress(format: InputFormat, pieces: Pieces, live: boolean): Pieces {
  return format === "gzip" ? new GunzipPieces(pieces, live) : new UnzstdPieces(pieces);
}

async function openFile(path: string): Promise<{ handle: FileHandle; size: number; isRegular: boolean }> {
  try {
    const handle = await open(path, constants.O_RDONLY);
    const stat = await handle.stat();
    if (!stat.isDirectory()) return { handle, size: stat.size, isRegular: stat.isFile() };
    await handle.close();
  } catch (error) {
    throw new CaptureError(`cannot read ${path}: ${whyNot(error)}`);
  }
  throw new CaptureError(`cannot read ${path}: it is a directory; give the captures in it, e.g. ${path}/*.pcap`);
}

function whyNot(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "no such file; check the name";
  if (code === "EACCES" || code === "EPERM") {
    return "permission denied; run as its owner or root, or make it readable with chmod";
  }
  if (code === "ENOTDIR") return "a part of its path is not a directory; check the name";
  return `${message}; check the file and the disk it is on`;
}

async function readHead(handle: FileHandle, path: string): Promise<Uint8Array> {
  const head = Buffer.alloc(HEAD_BYTES);
  try {
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
    return head.subarray(0, bytesRead);
  } catch (error) {
    throw new CaptureError(`cannot read ${path}: ${whyNot(error)}`);
  }
}

function foreign(name: string, head: Uint8Array): CaptureError {
  const { looks, advice } = describeForeign(head);
  const unnamed = name === "stdin" ? "-" : name;
  return new CaptureError(`cannot read ${name}: it is no capture but ${looks}; ${advice.replace("FILE", unnamed)}`);
}
