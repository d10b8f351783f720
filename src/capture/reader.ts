import type { PacketBatch } from "./packet-batch.ts";

/** What is wrong with an input, as the contract's `capture.files[].problems` lists it. */
export interface CaptureProblem {
  /**
   * Stable word for programs. From the readers: `truncated` (cut short), `bad-record` (pcap), `bad-block` (pcapng),
   * `unknown-version`, `bad-compression`, `read-error`. Later rooms add theirs, e.g. `unknown-link-type`.
   */
  code: string;
  /** One sentence for people: what, and what was done about it. */
  message: string;
  /** Byte offset in the (decompressed) input where it was found. */
  offset: number;
}

/** One interface of a capture as its file describes it. */
export interface CaptureInterface {
  /** `if_name` of a pcapng interface; null where the file has none. */
  name: string | null;
  /** LINKTYPE_ value, https://www.tcpdump.org/linktypes.html. */
  linkType: number;
  /** Bytes kept of each packet; 0 is unlimited. */
  snapLength: number;
  /** Bytes of frame check sequence at the end of each packet. */
  fcsLength: number;
  /** Packets the capture itself says it lost (pcapng ISB_IFDROP + ISB_OSDROP), or null where it does not say. */
  dropped: number | null;
}

/** How far an input was read. */
export interface CaptureProgress {
  /** Bytes consumed of the input as it lies on disk, compressed where it is. */
  readonly readBytes: number;
  /** Its size, or null for a stream. */
  readonly totalBytes: number | null;
}

/** A capture opened for reading. Batches come in file order; each is valid until the next call. */
export interface CaptureReader {
  /** As the user named it; `-` for stdin. */
  readonly path: string;
  readonly format: "pcap" | "pcapng";
  /** Grows while a pcapng is read. */
  readonly interfaces: readonly CaptureInterface[];
  /** Grows while reading; a fatal one is the last, and no batch follows it. */
  readonly problems: readonly CaptureProblem[];
  readonly progress: CaptureProgress;
  /** The next packets, or null at the end. Never rejects on damaged contents: it records a problem and ends. */
  next(): Promise<PacketBatch | null>;
  /** Releases the file. Safe to call twice. */
  close(): Promise<void>;
}

/** The input cannot be read at all: not a capture, empty, missing, a directory. The message is one line for the user. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}
