import { type ByteFeed, ensure } from "./byte-feed.ts";
import { PacketBatch } from "./packet-batch.ts";
import {
  IXIA_HEADER_BYTES,
  type LengthOrder,
  PCAP_HEADER_BYTES,
  type PcapHeader,
  readPcapHeader,
} from "./pcap-header.ts";
import { LAYOUT_SAMPLE_BYTES, MAX_CAPTURED_BYTES, recordBytesByContent } from "./pcap-layout.ts";
import { ProblemLog } from "./problem-log.ts";
import { CaptureError, type CaptureInterface, type CaptureProblem, type CaptureReader } from "./reader.ts";
import type { TimeBase } from "./time-base.ts";

/**
 * Opens a classic pcap whose magic was recognised.
 *
 * @throws CaptureError where the file header is cut short or of an archaic version.
 */
export async function openPcap(path: string, feed: ByteFeed, timeBase: TimeBase): Promise<CaptureReader> {
  if (!(await ensure(feed, PCAP_HEADER_BYTES))) {
    const got = feed.end - feed.start;
    throw new CaptureError(
      `cannot read ${path}: the pcap is cut short within its file header (${got} of ${PCAP_HEADER_BYTES} bytes); record or copy it again`,
    );
  }
  const header = readPcapHeader(feed.view, feed.start, path);
  if (header.headerBytes === IXIA_HEADER_BYTES) await ensure(feed, IXIA_HEADER_BYTES);
  feed.start = Math.min(feed.end, feed.start + header.headerBytes);
  // Two layouts share the modified magic, so its first records are waited for; a standard one on a live stream is not.
  if (header.guess === "modified" || (header.guess === "standard" && !feed.live)) {
    await ensure(feed, LAYOUT_SAMPLE_BYTES);
    header.recordBytes = recordBytesByContent(feed.view, feed.start, feed.end, header);
  }
  return new PcapReader(path, feed, timeBase, header);
}

class PcapReader implements CaptureReader {
  readonly path: string;
  readonly format = "pcap";
  readonly interfaces: readonly CaptureInterface[];
  readonly #feed: ByteFeed;
  readonly #timeBase: TimeBase;
  readonly #problems = new ProblemLog();
  readonly #batch = new PacketBatch();
  readonly #littleEndian: boolean;
  readonly #recordBytes: number;
  readonly #fractionNanoseconds: number;
  readonly #lengths: LengthOrder;
  #nextFrame = 1;
  #done = false;

  constructor(path: string, feed: ByteFeed, timeBase: TimeBase, header: PcapHeader) {
    this.path = path;
    this.interfaces = [header.interface];
    this.#feed = feed;
    this.#timeBase = timeBase;
    this.#littleEndian = header.littleEndian;
    this.#recordBytes = header.recordBytes;
    this.#fractionNanoseconds = header.fractionNanoseconds;
    this.#lengths = header.lengths;
    if (!header.version.known) {
      const { major, minor } = header.version;
      this.#problems.add({
        code: "unknown-version",
        message: `pcap version ${major}.${minor} is not known; read as version 2.4`,
        offset: 4,
      });
    }
  }

  get problems(): readonly CaptureProblem[] {
    return this.#problems.list;
  }

  get progress() {
    return this.#feed.progress;
  }

  async next(): Promise<PacketBatch | null> {
    while (!this.#done) {
      if (this.#parse() > 0) return this.#batch;
      if (this.#isDamaged()) this.#done = true;
      else if (!(await this.#feed.fill())) this.#finish();
    }
    return null;
  }

  close(): Promise<void> {
    this.#done = true;
    return this.#feed.close();
  }

  /** Fills the batch from the whole records in the feed. Stops before one that is not whole or is damaged. */
  #parse(): number {
    const feed = this.#feed;
    const batch = this.#batch;
    const { view, end } = feed;
    const { offset, captured: capturedColumn, wire: wireColumn, time } = batch;
    const littleEndian = this.#littleEndian;
    const recordBytes = this.#recordBytes;
    const fractionNanoseconds = this.#fractionNanoseconds;
    const swap = this.#lengths === "wire-first";
    const choose = this.#lengths === "smaller-first";
    let at = feed.start;
    if (end - at < recordBytes) return 0;
    let base = 0;
    let count = 0;
    while (count < PacketBatch.CAPACITY) {
      const data = at + recordBytes;
      if (data > end) break;
      let captured = view.getUint32(at + 8, littleEndian);
      let wire = view.getUint32(at + 12, littleEndian);
      if (swap || (choose && captured > wire)) {
        const first = captured;
        captured = wire;
        wire = first;
      }
      const next = data + captured;
      if (next > end || captured > MAX_CAPTURED_BYTES) break;
      // only a whole, sane record may set the run's zero
      if (count === 0) base = this.#timeBase.seconds ??= view.getUint32(at, littleEndian);
      offset[count] = data;
      capturedColumn[count] = captured;
      // a length on the wire that does not fit, or is less than what is there, is no length
      wireColumn[count] = wire < captured || wire > 0x7fffffff ? captured : wire;
      time[count] =
        (view.getUint32(at, littleEndian) - base) * 1e9 + view.getUint32(at + 4, littleEndian) * fractionNanoseconds;
      at = next;
      count++;
    }
    if (count === 0) return 0;
    feed.start = at;
    batch.bytes = feed.bytes;
    batch.view = view;
    batch.count = count;
    batch.firstFrame = this.#nextFrame;
    this.#nextFrame += count;
    return count;
  }

  /** Whether the record at the start claims more than any packet has; nothing behind it can be found then. */
  #isDamaged(): boolean {
    const { view, start, end, origin } = this.#feed;
    if (end - start < this.#recordBytes) return false;
    const captured = this.#capturedAt(view, start);
    if (captured <= MAX_CAPTURED_BYTES) return false;
    this.#problems.fatal({
      code: "bad-record",
      message: `record ${this.#nextFrame} claims ${captured} captured bytes, more than the ${MAX_CAPTURED_BYTES} a packet can have; the file is damaged there and reading ended`,
      offset: origin + start,
    });
    return true;
  }

  #capturedAt(view: DataView, at: number): number {
    const first = view.getUint32(at + 8, this.#littleEndian);
    const second = view.getUint32(at + 12, this.#littleEndian);
    if (this.#lengths === "captured-first") return first;
    return this.#lengths === "wire-first" ? second : Math.min(first, second);
  }

  #finish(): void {
    this.#done = true;
    const { failure, start, end, origin, view } = this.#feed;
    if (failure !== null) {
      this.#problems.fatal(failure);
      return;
    }
    const left = end - start;
    if (left === 0) return;
    const inHeader = left < this.#recordBytes;
    const wanted = inHeader ? this.#recordBytes : this.#capturedAt(view, start);
    const got = inHeader ? left : left - this.#recordBytes;
    this.#problems.fatal({
      code: "truncated",
      message: `cut short in the ${inHeader ? "header" : "data"} of record ${this.#nextFrame} (${got} of ${wanted} bytes); the packets before it are used`,
      offset: origin + start,
    });
  }
}
