import { Decompress } from "fzstd";
import { PieceFeed } from "./piece-feed.ts";
import type { Pieces, PiecesFailure } from "./pieces.ts";
import { ZstdFrameWalker } from "./zstd-frames.ts";

/**
 * Decompresses zstd, several frames too (Node 20's zlib has no zstd). Checksums are not verified.
 *
 * What came before a cut or damage is yielded, then the pieces end with a `failure`.
 */
export class UnzstdPieces implements Pieces {
  failure: PiecesFailure | null = null;
  readonly #source: Pieces;
  readonly #input: PieceFeed;
  readonly #walker = new ZstdFrameWalker();
  #decompress: Decompress | null = null;
  #queue: Uint8Array[] = [];
  #skip = 0;
  #ended = false;

  constructor(source: Pieces) {
    this.#source = source;
    this.#input = new PieceFeed(source, { totalBytes: null, live: false });
  }

  get readBytes(): number {
    return this.#source.readBytes;
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const piece = this.#queue.shift();
      if (piece !== undefined) return piece;
      if (this.#ended) return null;
      const wanted = this.#step();
      if (wanted > 0 && !(await this.#fillTo(wanted))) this.#finish();
    }
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#queue = [];
    await this.#source.close();
  }

  /** Handles the next unit. Returns 0, or the bytes that must be there before it can be handled. */
  #step(): number {
    const input = this.#input;
    if (this.#skip > 0) {
      const here = Math.min(this.#skip, input.end - input.start);
      this.#skip -= here;
      input.start += here;
      return this.#skip > 0 ? 1 : 0;
    }
    const unit = this.#walker.next(input.bytes, input.start, input.end);
    switch (unit.kind) {
      case "more":
        return unit.bytes;
      case "skip":
        this.#skip = unit.bytes;
        return 0;
      case "bad":
        this.#damaged(unit.reason);
        return 0;
      case "unit":
        this.#push(unit.bytes, unit.endsFrame);
        return 0;
    }
  }

  #push(length: number, endsFrame: boolean): void {
    const input = this.#input;
    // a copy: the decompressor keeps slices of what it is given until a block is whole
    const unit = input.bytes.slice(input.start, input.start + length);
    input.start += length;
    this.#decompress ??= new Decompress((piece) => {
      if (piece.length > 0) this.#queue.push(piece);
    });
    try {
      this.#decompress.push(unit, endsFrame);
    } catch (error) {
      this.#damaged(error instanceof Error ? error.message : String(error));
    }
    if (endsFrame) this.#decompress = null;
  }

  async #fillTo(wanted: number): Promise<boolean> {
    while (this.#input.end - this.#input.start < wanted) {
      if (!(await this.#input.fill())) return false;
    }
    return true;
  }

  #finish(): void {
    this.#ended = true;
    if (this.#source.failure !== null) this.failure = this.#source.failure;
    else if (!this.#walker.betweenFrames || this.#skip > 0 || this.#input.end > this.#input.start) {
      this.failure = {
        code: "truncated",
        message: "the zstd stream is cut short; the packets before the cut are used",
      };
    }
  }

  #damaged(reason: string): void {
    this.#ended = true;
    const at = this.#input.origin + this.#input.start;
    this.failure = {
      code: "bad-compression",
      message: `the zstd stream is damaged (${reason}) at byte ${at} of the file; the packets before the damage are used`,
    };
  }
}
