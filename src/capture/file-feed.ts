import type { FileHandle } from "node:fs/promises";
import { allocateBacking, type Backing, type ByteFeed } from "./byte-feed.ts";
import type { CaptureProblem } from "./reader.ts";

const CHUNK_BYTES = 1 << 20;
const FIRST_HEADROOM_BYTES = 64 * 1024;

/**
 * A regular file, read in chunks by the thread pool while the chunk before is being parsed.
 *
 * Two buffers take turns. Each keeps room in front of its chunk, into which the record that straddles two chunks is
 * moved; that room grows when a record is longer, so memory is bounded by the longest record the parser allows.
 */
export class FileFeed implements ByteFeed {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  start = 0;
  end = 0;
  origin = 0;
  failure: CaptureProblem | null = null;
  readonly live = false;
  readonly progress: ByteFeed["progress"];

  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #chunk: number;
  #headroom = 0;
  #position = 0;
  #current: Backing | null = null;
  #spare: Backing | null = null;
  #pending: Promise<number | Error> | null = null;
  #closed = false;

  /** @param size of the file in bytes when it was opened; a file that grows is read on to its end. */
  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
    this.#chunk = Math.min(CHUNK_BYTES, Math.max(4096, size));
    this.#headroom = size > CHUNK_BYTES ? FIRST_HEADROOM_BYTES : 0;
    const feed = this;
    this.progress = {
      get readBytes() {
        return feed.origin + feed.start;
      },
      totalBytes: size,
    };
  }

  async fill(): Promise<boolean> {
    const got = await (this.#pending ?? this.#readSpare());
    this.#pending = null;
    if (typeof got !== "number") {
      this.failure = {
        code: "read-error",
        message: `reading failed (${got.message}); what was read before is used`,
        offset: this.origin + this.end,
      };
      return false;
    }
    if (got === 0) return false;
    this.#position += got;

    const tail = this.end - this.start;
    let next = this.#spare as Backing;
    if (tail > this.#headroom) {
      const headroom = Math.max(FIRST_HEADROOM_BYTES, 2 * tail);
      const larger = allocateBacking(headroom + this.#chunk);
      larger.bytes.set(next.bytes.subarray(this.#headroom, this.#headroom + got), headroom);
      next = larger;
      this.#current = null;
      this.#headroom = headroom;
    }
    const unread = this.origin + this.start;
    if (tail > 0) next.bytes.set(this.bytes.subarray(this.start, this.end), this.#headroom - tail);
    this.#spare = this.#current;
    this.#current = next;
    this.bytes = next.bytes;
    this.view = next.view;
    this.start = this.#headroom - tail;
    this.end = this.#headroom + got;
    this.origin = unread - this.start;
    if (this.#position < this.#size) this.#pending = this.#readSpare();
    return true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pending;
    await this.#handle.close();
  }

  /** Reads the next chunk into the buffer that is not in use. Settles with an error rather than rejecting. */
  #readSpare(): Promise<number | Error> {
    if (this.#closed) return Promise.resolve(0);
    if (this.#spare === null || this.#spare.bytes.length < this.#headroom + this.#chunk) {
      this.#spare = allocateBacking(this.#headroom + this.#chunk);
    }
    return this.#handle.read(this.#spare.bytes, this.#headroom, this.#chunk, this.#position).then(
      (result) => result.bytesRead,
      (error: Error) => error,
    );
  }
}
