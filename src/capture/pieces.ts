import type { FileHandle } from "node:fs/promises";

/** Why a source of bytes ended before its end. */
export interface PiecesFailure {
  code: string;
  message: string;
}

/** Bytes that arrive in pieces of any size: a stream, or what a decompressor yields. */
export interface Pieces {
  /** The next piece, valid until the next call, or null at the end. Never rejects: what went wrong is in `failure`. */
  next(): Promise<Uint8Array | null>;
  readonly failure: PiecesFailure | null;
  /** Bytes taken so far of the input as it lies on disk. */
  readonly readBytes: number;
  /** Safe to call twice. */
  close(): Promise<void>;
}

const FILE_PIECE_BYTES = 128 * 1024;

/** A regular file's bytes, the next piece being read while the one before is used. */
export class FilePieces implements Pieces {
  failure: PiecesFailure | null = null;
  readBytes = 0;
  readonly #handle: FileHandle;
  #buffers: Uint8Array[] = [];
  #turn = 0;
  #position = 0;
  #pending: Promise<number | Error> | null = null;
  #closed = false;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async next(): Promise<Uint8Array | null> {
    const got = await (this.#pending ?? this.#read());
    this.#pending = null;
    if (typeof got !== "number") {
      this.failure = { code: "read-error", message: `reading failed (${got.message}); what was read before is used` };
      return null;
    }
    if (got === 0) return null;
    const piece = (this.#buffers[this.#turn] as Uint8Array).subarray(0, got);
    this.#position += got;
    this.readBytes += got;
    this.#turn = 1 - this.#turn;
    if (got === FILE_PIECE_BYTES) this.#pending = this.#read();
    return piece;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pending;
    await this.#handle.close();
  }

  #read(): Promise<number | Error> {
    if (this.#closed) return Promise.resolve(0);
    this.#buffers[this.#turn] ??= Buffer.allocUnsafeSlow(FILE_PIECE_BYTES);
    const buffer = this.#buffers[this.#turn] as Uint8Array;
    return this.#handle.read(buffer, 0, buffer.length, this.#position).then(
      (result) => result.bytesRead,
      (error: Error) => error,
    );
  }
}

/** A stream's chunks as they arrive. */
export class StreamPieces implements Pieces {
  failure: PiecesFailure | null = null;
  readBytes = 0;
  readonly #stream: NodeJS.ReadableStream;
  readonly #chunks: AsyncIterator<string | Buffer>;
  #closed = false;

  constructor(stream: NodeJS.ReadableStream) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#closed || this.failure !== null) return null;
    try {
      const step = await this.#chunks.next();
      if (step.done === true) return null;
      const piece = typeof step.value === "string" ? Buffer.from(step.value, "latin1") : step.value;
      this.readBytes += piece.length;
      return piece;
    } catch (error) {
      if (!this.#closed) {
        const reason = error instanceof Error ? error.message : String(error);
        this.failure = { code: "read-error", message: `reading failed (${reason}); what was read before is used` };
      }
      return null;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // the iterator's own return() would wait for a read that may never end
    (this.#stream as NodeJS.ReadableStream & { destroy?: () => void }).destroy?.();
  }
}

/** Takes pieces until `wanted` bytes are there or the input ends, and gives them back together with what follows. */
export async function peek(pieces: Pieces, wanted: number): Promise<{ head: Uint8Array; pieces: Pieces }> {
  const taken: Uint8Array[] = [];
  let length = 0;
  while (length < wanted) {
    const piece = await pieces.next();
    if (piece === null) break;
    taken.push(Uint8Array.from(piece));
    length += piece.length;
  }
  const head = Buffer.concat(taken);
  return { head, pieces: new PrefixedPieces(head, pieces) };
}

class PrefixedPieces implements Pieces {
  #head: Uint8Array | null;
  readonly #rest: Pieces;

  constructor(head: Uint8Array, rest: Pieces) {
    this.#head = head.length > 0 ? head : null;
    this.#rest = rest;
  }

  get failure(): PiecesFailure | null {
    return this.#head === null ? this.#rest.failure : null;
  }

  get readBytes(): number {
    return this.#rest.readBytes;
  }

  next(): Promise<Uint8Array | null> {
    const head = this.#head;
    if (head === null) return this.#rest.next();
    this.#head = null;
    return Promise.resolve(head);
  }

  close(): Promise<void> {
    return this.#rest.close();
  }
}
