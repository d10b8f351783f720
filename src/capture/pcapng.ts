import type { ByteFeed } from "./byte-feed.ts";
import { PacketBatch } from "./packet-batch.ts";
import { MAX_CAPTURED_BYTES } from "./pcap-layout.ts";
import {
  ENHANCED_PACKET,
  FRAMES_WITHOUT_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  MAX_PACKET_BLOCK_BYTES,
  MIN_BLOCK_BYTES,
  maxBlockBytes,
  PACKET,
  SECTION_HEADER,
  SIMPLE_PACKET,
  sectionOrder,
} from "./pcapng-blocks.ts";
import { readDropped, readInterface } from "./pcapng-interface.ts";
import { skipToWholeBlock } from "./pcapng-resume.ts";
import { PcapngSection } from "./pcapng-section.ts";
import { ProblemLog } from "./problem-log.ts";
import type { CaptureInterface, CaptureProblem, CaptureReader } from "./reader.ts";
import type { TimeBase } from "./time-base.ts";

/** More interfaces than files have; one that describes more is damaged or hostile. */
const MAX_INTERFACES = 65_536;

/** Why a block was not consumed, where the offset of the next one would be returned. */
const NEEDS_MORE = -1;
const IS_DAMAGED = -2;
const ENDS_BATCH = -3;

/** Reads pcapng (draft-ietf-opsawg-pcapng): any number of sections, each in its own byte order. */
export class PcapngReader implements CaptureReader {
  readonly path: string;
  readonly format = "pcapng";
  readonly interfaces: CaptureInterface[] = [];
  readonly #feed: ByteFeed;
  readonly #timeBase: TimeBase;
  readonly #problems = new ProblemLog();
  readonly #batch = new PacketBatch();
  #count = 0;
  /** Packets in the batch before the current section's. */
  #countAtSection = 0;
  #nextFrame = 1;
  #done = false;
  #damaged = false;
  /** The time base that the clocks were set to. */
  #base: number | null = null;

  #section = new PcapngSection(true, 0, true);

  constructor(path: string, feed: ByteFeed, timeBase: TimeBase) {
    this.path = path;
    this.#feed = feed;
    this.#timeBase = timeBase;
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
      if (this.#damaged) await this.#resume();
      else if (!this.#done && !(await this.#feed.fill())) await this.#finish();
    }
    return null;
  }

  close(): Promise<void> {
    this.#done = true;
    return this.#feed.close();
  }

  /** Fills the batch from the whole blocks in the feed. Stops before one that is not whole or is damaged. */
  #parse(): number {
    const feed = this.#feed;
    const batch = this.#batch;
    const { view, end } = feed;
    const { offset, captured: capturedColumn, wire: wireColumn, time, interface: interfaceColumn } = batch;
    if (this.#timeBase.seconds !== this.#base) this.#rebase();
    let { littleEndian, clocks, firstInterface } = this.#section;
    this.#countAtSection = 0;
    let at = feed.start;
    let count = 0;
    while (count < PacketBatch.CAPACITY && end - at >= MIN_BLOCK_BYTES) {
      if (view.getUint32(at, littleEndian) === ENHANCED_PACKET) {
        const length = view.getUint32(at + 4, littleEndian);
        if (length >= 32 && length <= MAX_PACKET_BLOCK_BYTES && (length & 3) === 0) {
          const next = at + length;
          if (next > end) break;
          const id = view.getUint32(at + 8, littleEndian);
          const captured = view.getUint32(at + 20, littleEndian);
          const clock = clocks[id];
          if (
            view.getUint32(next - 4, littleEndian) === length &&
            clock !== undefined &&
            captured <= length - 32 &&
            captured <= MAX_CAPTURED_BYTES
          ) {
            const high = view.getUint32(at + 12, littleEndian);
            const low = view.getUint32(at + 16, littleEndian);
            const wire = view.getUint32(at + 24, littleEndian);
            if (this.#base === null) this.#setBase(clock.seconds(high, low));
            offset[count] = at + 28;
            capturedColumn[count] = captured;
            wireColumn[count] = wire < captured || wire > 0x7fffffff ? captured : wire;
            interfaceColumn[count] = firstInterface + id;
            time[count] =
              clock.unitNanoseconds > 0
                ? ((high - clock.high) * 4294967296 + (low - clock.low)) * clock.unitNanoseconds
                : clock.slow(high, low);
            at = next;
            count++;
            continue;
          }
        }
      }
      this.#count = count;
      const next = this.#otherBlock(at);
      count = this.#count;
      if (next < 0) {
        // with packets before it in the batch, the damage is met again on the next call
        this.#damaged = next === IS_DAMAGED && count === 0;
        break;
      }
      at = next;
      ({ littleEndian, clocks, firstInterface } = this.#section);
    }
    feed.start = at;
    if (count === 0) return 0;
    if (count > this.#countAtSection) this.#section.hasPackets = true;
    batch.bytes = feed.bytes;
    batch.view = view;
    batch.count = count;
    batch.firstFrame = this.#nextFrame;
    this.#nextFrame += count;
    return count;
  }

  /** Any block but a sound enhanced packet. Returns where the next begins, or why this one is not consumed. */
  #otherBlock(at: number): number {
    const { view, end } = this.#feed;
    let littleEndian = this.#section.littleEndian;
    const type = view.getUint32(at, littleEndian);
    if (type === SECTION_HEADER) {
      const order = sectionOrder(view, at);
      if (order === null) return IS_DAMAGED;
      littleEndian = order === "little";
    }
    const length = view.getUint32(at + 4, littleEndian);
    if (length < MIN_BLOCK_BYTES || length > maxBlockBytes(type)) return IS_DAMAGED;
    if (at + length > end) return NEEDS_MORE;
    let next = at + length;
    if (view.getUint32(next - 4, littleEndian) !== length) {
      // a writer may have padded the block without counting the padding
      next = at + ((length + 3) & ~3);
      if (next > end) return NEEDS_MORE;
      if (view.getUint32(next - 4, littleEndian) !== length) return IS_DAMAGED;
    }
    if (type === SECTION_HEADER) return this.#startSection(at, length, littleEndian) ? next : IS_DAMAGED;
    if (!this.#section.isKnown) return next;
    switch (type) {
      case INTERFACE_DESCRIPTION:
        return this.#interface(at, length, next);
      case ENHANCED_PACKET:
        this.#packet(at, length, length < 32 ? -1 : view.getUint32(at + 8, littleEndian));
        return next;
      case PACKET:
        this.#packet(at, length, length < 32 ? -1 : view.getUint16(at + 8, littleEndian));
        return next;
      case SIMPLE_PACKET:
        this.#simplePacket(at, length);
        return next;
      case INTERFACE_STATISTICS:
        this.#statistics(at, length);
        return next;
      default:
        if (FRAMES_WITHOUT_PACKET.has(type)) {
          // frame numbers within a batch have no gaps
          if (this.#count > 0) return ENDS_BATCH;
          this.#nextFrame++;
        }
        return next;
    }
  }

  #startSection(at: number, length: number, littleEndian: boolean): boolean {
    if (length < 28) return false;
    const { view, origin } = this.#feed;
    const major = view.getUint16(at + 12, littleEndian);
    this.#countAtSection = this.#count;
    this.#section = new PcapngSection(littleEndian, this.interfaces.length, major === 1);
    if (major !== 1) {
      const minor = view.getUint16(at + 14, littleEndian);
      this.#problems.add({
        code: "unknown-version",
        message: `a section is of pcapng version ${major}.${minor}, which is not known; it was skipped`,
        offset: origin + at,
      });
    }
    return true;
  }

  #interface(at: number, length: number, next: number): number {
    if (length < 20) return IS_DAMAGED;
    const { view, origin } = this.#feed;
    if (this.interfaces.length >= MAX_INTERFACES) {
      this.#stop({
        code: "bad-block",
        message: `more than ${MAX_INTERFACES} interfaces are described; reading ended there`,
        offset: origin + at,
      });
      return ENDS_BATCH;
    }
    const { description, clock } = readInterface(view, at, length, this.#section.littleEndian);
    if (this.#base !== null) clock.rebase(this.#base);
    this.interfaces.push(description);
    this.#section.clocks.push(clock);
    return next;
  }

  /** An obsolete packet block, or an enhanced one that the fast path did not take; both lie the same but for the id. */
  #packet(at: number, length: number, id: number): void {
    const { view } = this.#feed;
    const { littleEndian, clocks } = this.#section;
    const clock = clocks[id];
    const captured = clock === undefined ? 0 : view.getUint32(at + 20, littleEndian);
    if (clock === undefined || captured > length - 32 || captured > MAX_CAPTURED_BYTES) {
      this.#badPacket(at, "it is longer than its block or names an interface that the section does not describe");
      return;
    }
    const high = view.getUint32(at + 12, littleEndian);
    const low = view.getUint32(at + 16, littleEndian);
    if (this.#base === null) this.#setBase(clock.seconds(high, low));
    const wire = view.getUint32(at + 24, littleEndian);
    this.#store(at + 28, captured, wire, clock.slow(high, low), id);
  }

  /** A packet without time or interface: it came from the section's first one. */
  #simplePacket(at: number, length: number): void {
    const description = this.interfaces[this.#section.firstInterface];
    if (description === undefined || length < 16) {
      this.#badPacket(at, "it comes before any interface of the section");
      return;
    }
    const wire = this.#feed.view.getUint32(at + 8, this.#section.littleEndian);
    const captured = description.snapLength === 0 ? wire : Math.min(wire, description.snapLength);
    if (captured > length - 16 || captured > MAX_CAPTURED_BYTES) {
      this.#badPacket(at, "it is longer than its block");
      return;
    }
    this.#store(at + 12, captured, wire, Number.NaN, 0);
  }

  #store(at: number, captured: number, wire: number, time: number, id: number): void {
    const batch = this.#batch;
    const i = this.#count++;
    batch.offset[i] = at;
    batch.captured[i] = captured;
    batch.wire[i] = wire < captured || wire > 0x7fffffff ? captured : wire;
    batch.time[i] = time;
    batch.interface[i] = this.#section.firstInterface + id;
  }

  #statistics(at: number, length: number): void {
    if (length < 24) return;
    const { view } = this.#feed;
    const id = view.getUint32(at + 8, this.#section.littleEndian);
    if (id >= this.#section.clocks.length) return;
    const description = this.interfaces[this.#section.firstInterface + id];
    const dropped = readDropped(view, at, length, this.#section.littleEndian);
    // the counts are totals since the capture began: the last block has them
    if (description !== undefined && dropped !== null) description.dropped = dropped;
  }

  #badPacket(at: number, why: string): void {
    this.#problems.add({
      code: "bad-block",
      message: `a packet was skipped: ${why}`,
      offset: this.#feed.origin + at,
    });
  }

  #setBase(seconds: number): void {
    this.#timeBase.seconds = seconds;
    this.#rebase();
  }

  #rebase(): void {
    this.#base = this.#timeBase.seconds;
    if (this.#base === null) return;
    for (const clock of this.#section.clocks) clock.rebase(this.#base);
  }

  /** The input ended; what is left is less than the block it begins. */
  async #finish(): Promise<void> {
    const { failure, start, end, origin, view } = this.#feed;
    if (failure !== null) return this.#stop(failure);
    if (start === end) {
      this.#done = true;
      return;
    }
    const left = end - start;
    const length = left >= 8 ? view.getUint32(start + 4, this.#section.littleEndian) : null;
    // not a cut but a length that lies, if a whole block follows
    if (await this.#skipDamage()) return;
    this.#stop({
      code: "truncated",
      message: `cut short within a block (${left} of ${length ?? "its"} bytes are there); the packets before it are used`,
      offset: origin + start,
    });
  }

  /** A block's lengths make no sense: goes on at the next one whose do, else ends. */
  async #resume(): Promise<void> {
    this.#damaged = false;
    const damagedAt = this.#feed.origin + this.#feed.start;
    if (await this.#skipDamage()) return;
    const { failure } = this.#feed;
    const problem = {
      code: "bad-block",
      message: "a block is damaged and no whole block follows that could be trusted; reading ended there",
      offset: damagedAt,
    };
    if (failure !== null) this.#problems.add(problem);
    this.#stop(failure ?? problem);
  }

  async #skipDamage(): Promise<boolean> {
    const damagedAt = this.#feed.origin + this.#feed.start;
    const skipped = await skipToWholeBlock(this.#feed, this.#section);
    if (skipped === null) return false;
    this.#problems.add({
      code: "bad-block",
      message: `a block is damaged; ${skipped} bytes were skipped up to the next whole one`,
      offset: damagedAt,
    });
    return true;
  }

  #stop(problem: CaptureProblem): void {
    this.#done = true;
    this.#problems.fatal(problem);
  }
}
