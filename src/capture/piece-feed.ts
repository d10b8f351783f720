import { allocateBacking, type Backing, type ByteFeed } from "./byte-feed.ts";
import type { Pieces } from "./pieces.ts";
import type { CaptureProblem } from "./reader.ts";

const FIRST_CAPACITY_BYTES = 128 * 1024;

/**
 * A feed over pieces that arrive when they arrive: each is handed on at once, behind what is left of the one before.
 * One buffer, which grows only while a single record needs it to.
 */
export class PieceFeed implements ByteFeed {
  start = 0;
  end = 0;
  origin = 0;
  failure: CaptureProblem | null = null;
  readonly live: boolean;
  readonly progress: ByteFeed["progress"];

  readonly #pieces: Pieces;
  #backing: Backing = allocateBacking(FIRST_CAPACITY_BYTES);

  /** @param input.totalBytes size of the input as it lies on disk, null for a stream. */
  constructor(pieces: Pieces, input: { totalBytes: number | null; live: boolean }) {
    this.#pieces = pieces;
    this.live = input.live;
    this.progress = {
      get readBytes() {
        return pieces.readBytes;
      },
      totalBytes: input.totalBytes,
    };
  }

  get bytes(): Uint8Array {
    return this.#backing.bytes;
  }

  get view(): DataView {
    return this.#backing.view;
  }

  async fill(): Promise<boolean> {
    let piece = await this.#pieces.next();
    while (piece !== null && piece.length === 0) piece = await this.#pieces.next();
    if (piece === null) {
      const { failure } = this.#pieces;
      if (failure !== null) this.failure = { ...failure, offset: this.origin + this.end };
      return false;
    }
    this.#makeRoom(piece.length);
    this.bytes.set(piece, this.end);
    this.end += piece.length;
    return true;
  }

  close(): Promise<void> {
    return this.#pieces.close();
  }

  #makeRoom(wanted: number): void {
    const tail = this.end - this.start;
    if (tail > 0 && this.end + wanted <= this.bytes.length) return;
    const old = this.#backing.bytes;
    if (tail + wanted > old.length) {
      this.#backing = allocateBacking(Math.max(2 * old.length, tail + wanted));
      this.bytes.set(old.subarray(this.start, this.end), 0);
    } else {
      old.copyWithin(0, this.start, this.end);
    }
    this.origin += this.start;
    this.start = 0;
    this.end = tail;
  }
}
