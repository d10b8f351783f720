import { createGunzip, type Gunzip } from "node:zlib";
import type { Pieces, PiecesFailure } from "./pieces.ts";

const OUTPUT_BYTES = 256 * 1024;
/** Output that may wait for the parser before decompression is paused. */
const QUEUE_BYTES = 4 * OUTPUT_BYTES;

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
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(source: Pieces) {
    this.#source = source;
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

  /** Hands pieces to zlib one at a time, so that a piece's memory may be reused once it is consumed. */
  async #pump(): Promise<void> {
    while (!this.#ended) {
      const piece = await this.#source.next();
      if (this.#ended || this.#gunzip.destroyed || this.#gunzip.writableEnded) return;
      if (piece === null) {
        this.#gunzip.end();
        return;
      }
      await new Promise<void>((resolve) => {
        this.#gunzip.once("close", resolve);
        this.#gunzip.write(piece, () => {
          this.#gunzip.off("close", resolve);
          resolve();
        });
      });
    }
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
        message: `the gzip stream is damaged (${error.message}) within the first ${this.#source.readBytes} bytes of the file; the packets before the damage are used`,
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
