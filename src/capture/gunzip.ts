import { createGunzip, type Gunzip } from "node:zlib";
import type { Pieces, PiecesFailure } from "./pieces.ts";

const OUTPUT_BYTES = 128 * 1024;
/** Output that may wait for the parser before decompression is paused. */
const QUEUE_BYTES = 8 * OUTPUT_BYTES;
/**
 * When zlib meets damage, Node drops what that one call had decompressed so far. So calls are small: an eighth of what
 * was read before, between these limits.
 */
const MIN_INPUT_BYTES = 512;
const MAX_INPUT_BYTES = 32 * 1024;
/** Checksum and length behind a member. */
const TRAILER_BYTES = 8;

/**
 * Decompresses gzip, several members too, in the thread pool while the parser works on what came before.
 *
 * A stream that is cut short or damaged yields everything before the fault, then ends with a `failure`. That is why
 * zlib's stream is not simply iterated: its destruction on an error would drop what was not read yet.
 */
export class GunzipPieces implements Pieces {
  failure: PiecesFailure | null = null;
  readonly #source: Pieces;
  readonly #gunzip: Gunzip;
  readonly #live: boolean;
  #written = 0;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  /** @param live whether what arrived must be decompressed at once. */
  constructor(source: Pieces, live: boolean) {
    this.#source = source;
    this.#live = live;
    // A readable mark of 1 keeps zlib from running ahead of a paused reader.
    this.#gunzip = createGunzip({ chunkSize: OUTPUT_BYTES, readableHighWaterMark: 1 } as object);
    this.#gunzip.on("data", (piece: Uint8Array) => {
      this.#queue.push(piece);
      this.#queuedBytes += piece.length;
      if (this.#queuedBytes >= QUEUE_BYTES) this.#gunzip.pause();
      this.#notify();
    });
    this.#gunzip.on("error", (error: NodeJS.ErrnoException) => this.#fail(error));
    this.#gunzip.on("end", () => this.#end());
    this.#gunzip.on("close", () => this.#end());
    void this.#pump();
  }

  get readBytes(): number {
    return this.#source.readBytes;
  }

  async next(): Promise<Uint8Array | null> {
    while (this.#queue.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const piece = this.#queue.shift();
    if (piece === undefined) return null;
    this.#queuedBytes -= piece.length;
    if (this.#queuedBytes < QUEUE_BYTES && this.#gunzip.isPaused()) this.#gunzip.resume();
    return piece;
  }

  async close(): Promise<void> {
    this.#queue = [];
    this.#end();
    this.#gunzip.destroy();
    await this.#source.close();
  }

  /** Hands input to zlib bite by bite, waiting for each, so that a piece's memory may be reused once it is consumed. */
  async #pump(): Promise<void> {
    let held: Uint8Array = new Uint8Array(0);
    for (;;) {
      const piece = await this.#source.next();
      if (this.#ended) return;
      if (piece === null) break;
      if (this.#live) {
        if (!(await this.#write(piece))) return;
        continue;
      }
      // the trailer goes in a call of its own: a wrong checksum must not cost the data before it
      const input = held.length > 0 ? Buffer.concat([held, piece]) : piece;
      const now = Math.max(0, input.length - TRAILER_BYTES);
      held = Uint8Array.from(input.subarray(now));
      if (!(await this.#write(input.subarray(0, now)))) return;
    }
    if (await this.#write(held)) this.#gunzip.end();
  }

  /** False where the stream ended meanwhile. */
  async #write(input: Uint8Array): Promise<boolean> {
    let at = 0;
    while (at < input.length) {
      const bite = Math.min(MAX_INPUT_BYTES, Math.max(MIN_INPUT_BYTES, this.#written >> 3));
      const part = input.subarray(at, at + bite);
      at += part.length;
      this.#written += part.length;
      await new Promise<void>((resolve) => {
        this.#gunzip.once("close", resolve);
        this.#gunzip.write(part, () => {
          this.#gunzip.off("close", resolve);
          resolve();
        });
      });
      if (this.#ended || this.#gunzip.destroyed || this.#gunzip.writableEnded) return false;
    }
    return true;
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#source.failure !== null) this.failure = this.#source.failure;
    else if (error.code === "Z_BUF_ERROR") {
      this.failure = {
        code: "truncated",
        message: "the gzip stream is cut short; the packets before the cut are used",
      };
    } else {
      this.failure = {
        code: "bad-compression",
        message: `the gzip stream is damaged (${error.message}) within the first ${this.#written} bytes of the file; the packets before the damage are used`,
      };
    }
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.failure ??= this.#source.failure;
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
