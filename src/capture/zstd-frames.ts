/** What the next bytes of a zstd stream are, RFC 8878 section 3.1. */
export type ZstdUnit =
  /** A whole unit of `bytes`, to be handed to the decompressor; `endsFrame` with the frame's last byte. */
  | { kind: "unit"; bytes: number; endsFrame: boolean }
  /** Bytes to leave out (skippable frames). */
  | { kind: "skip"; bytes: number }
  /** The unit is not whole yet; at least `bytes` are needed to say more. */
  | { kind: "more"; bytes: number }
  | { kind: "bad"; reason: string };

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** The zstd command's own limit without --memory; a larger window would let a damaged header claim gigabytes. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
const MAX_BLOCK_BYTES = 128 * 1024;

/**
 * Walks the structure of a zstd stream without decompressing: frame header, blocks, checksum.
 *
 * The decompressor is fed one unit at a time, so what a few bytes can expand to is bounded by one block (128 KiB), a
 * window larger than the limit is refused before it is allocated, and a cut is found exactly.
 */
export class ZstdFrameWalker {
  #state: "frame" | "block" | "checksum" = "frame";
  #checksum = false;

  /** True between frames, the only place where a stream may end. */
  get betweenFrames(): boolean {
    return this.#state === "frame";
  }

  /** What lies at `start` of `bytes`, of which those before `end` are there. The caller consumes what it names. */
  next(bytes: Uint8Array, start: number, end: number): ZstdUnit {
    const there = end - start;
    if (this.#state === "frame") return this.#frame(bytes, start, there);
    if (this.#state === "checksum") {
      if (there < 4) return { kind: "more", bytes: 4 };
      this.#state = "frame";
      return { kind: "unit", bytes: 4, endsFrame: true };
    }
    if (there < 3) return { kind: "more", bytes: 3 };
    const header = (bytes[start] ?? 0) | ((bytes[start + 1] ?? 0) << 8) | ((bytes[start + 2] ?? 0) << 16);
    const last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3) return { kind: "bad", reason: "reserved block type" };
    if (size > MAX_BLOCK_BYTES) return { kind: "bad", reason: `block of ${size} bytes` };
    const whole = 3 + (type === 1 ? 1 : size);
    if (there < whole) return { kind: "more", bytes: whole };
    if (last) this.#state = this.#checksum ? "checksum" : "frame";
    return { kind: "unit", bytes: whole, endsFrame: last && !this.#checksum };
  }

  #frame(bytes: Uint8Array, start: number, there: number): ZstdUnit {
    if (there < 8) return { kind: "more", bytes: 8 };
    const magic = read32(bytes, start);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) return { kind: "skip", bytes: 8 + read32(bytes, start + 4) };
    if (magic !== FRAME_MAGIC) return { kind: "bad", reason: "no frame where one must begin" };
    const descriptor = bytes[start + 4] ?? 0;
    const singleSegment = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
    const headerBytes = 5 + (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
    if (there < headerBytes) return { kind: "more", bytes: headerBytes };
    if ((descriptor & 0x08) !== 0) return { kind: "bad", reason: "reserved bit in a frame header" };
    if (dictionaryBytes > 0) return { kind: "bad", reason: "it was compressed with a dictionary" };
    let window = 0;
    if (singleSegment) {
      for (let i = sizeBytes - 1; i >= 0; i--) window = window * 256 + (bytes[start + 5 + i] ?? 0);
      if (sizeBytes === 2) window += 256;
    } else {
      const code = bytes[start + 5] ?? 0;
      const base = 2 ** (10 + (code >> 3));
      window = base + (base / 8) * (code & 7);
    }
    if (window > MAX_WINDOW_BYTES) {
      return { kind: "bad", reason: `it needs a window of ${window} bytes, more than ${MAX_WINDOW_BYTES}` };
    }
    this.#checksum = (descriptor & 0x04) !== 0;
    this.#state = "block";
    return { kind: "unit", bytes: headerBytes, endsFrame: false };
  }
}

function read32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  );
}
