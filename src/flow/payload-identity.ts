import { clientHelloRandomOffset } from "../decode/client-hello.ts";
import { PAYLOAD_HASH, PAYLOAD_SEEN, PAYLOAD_WHOLE, SIDE_0, SIDE_1 } from "./leg-layout.ts";

/** Bytes that each of the hashes of a first payload covers. */
export const IDENTITY_LEVELS = [16, 64, 256] as const;

/**
 * Writes the identity of a side's first payload into its record: hashes of its first 16, 64 and 256 bytes, so that
 * legs whose captures kept different lengths can be compared by the longest hash both have, and one of all bytes seen,
 * for legs that kept the same. A TLS ClientHello is hashed from its random on: what stands before is the same in all.
 * @param at the leg's base in `words`
 */
export function writePayloadIdentity(
  words: Int32Array,
  at: number,
  side: number,
  view: DataView,
  offset: number,
  captured: number,
): void {
  const s = at + (side === 0 ? SIDE_0 : SIDE_1);
  const skip = clientHelloRandomOffset(view, offset, captured);
  const start = offset + skip;
  const available = Math.min(captured - skip, 256);
  let hash = 0x811c9dc5;
  let read = 0;
  for (let level = 0; level < IDENTITY_LEVELS.length && available >= IDENTITY_LEVELS[level]!; level++) {
    for (; read < IDENTITY_LEVELS[level]!; read += 4) hash = mixWord(hash, view.getInt32(start + read));
    words[s + PAYLOAD_HASH + level] = finish(hash);
  }
  for (; read + 4 <= available; read += 4) hash = mixWord(hash, view.getInt32(start + read));
  for (; read < available; read++) hash = mixWord(hash, view.getUint8(start + read));
  words[s + PAYLOAD_SEEN] = available;
  words[at + PAYLOAD_WHOLE + side] = finish(hash);
}

function mixWord(hash: number, word: number): number {
  const x = Math.imul(hash ^ word, 0x9e3779b1);
  return (x << 13) | (x >>> 19);
}

/** Never 0: 0 means that there is no hash. */
function finish(hash: number): number {
  const x = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (x ^ (x >>> 15)) | 1;
}
