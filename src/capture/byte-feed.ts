import type { CaptureProblem, CaptureProgress } from "./reader.ts";

/**
 * A window on an input's (decompressed) bytes that a parser moves along.
 *
 * `bytes[start..end)` is what was read and not yet consumed; the parser advances `start` and calls `fill` when the next
 * record is not whole. `bytes` and `view` change only in `fill`, so a batch that points into them stays valid until then.
 */
export interface ByteFeed {
  readonly bytes: Uint8Array;
  /** A view of the same memory as `bytes`, made once per backing buffer. */
  readonly view: DataView;
  start: number;
  readonly end: number;
  /** Offset in the input of `bytes[0]`; negative where the buffer keeps room in front. */
  readonly origin: number;
  /** True where bytes arrive as somebody writes them, so that waiting for more than a record needs would hold packets up. */
  readonly live: boolean;
  readonly progress: CaptureProgress;
  /** Why the input ended before its end, or null. */
  readonly failure: CaptureProblem | null;
  /**
   * Brings at least one more byte behind `end`, keeping `[start, end)`. False at the end of the input. Never rejects:
   * what went wrong is in `failure`.
   */
  fill(): Promise<boolean>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/** A buffer and the one view that is ever made of it. */
export interface Backing {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A backing buffer outside Node's pool; its contents are undefined until written. */
export function allocateBacking(size: number): Backing {
  const bytes = Buffer.allocUnsafeSlow(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** Fills until at least `wanted` bytes lie between start and end; false where the input ends before. */
export async function ensure(feed: ByteFeed, wanted: number): Promise<boolean> {
  while (feed.end - feed.start < wanted) {
    if (!(await feed.fill())) return false;
  }
  return true;
}
