import { clientHelloRandomOffset } from "../decode/client-hello.ts";
import { PAYLOAD_HASH, PAYLOAD_SEEN } from "./leg-layout.ts";

/** Bytes that each of the hashes of a first payload covers. */
export const IDENTITY_LEVELS = [16, 64, 256] as const;

/**
 * Writes the identity of a side's first payload into its record: hashes of its first 16, 64 and 256 bytes, so that
 * legs whose captures kept different lengths can be compared by the longest hash both have. A TLS ClientHello is
 * hashed from its random on: what stands before that is the same in all of them.
 * @param s the side's base in `words`
 */
export function writePayloadIdentity(
  words: Int32Array,
  s: number,
  view: DataView,
  offset: number,
  captured: number,
): void {
  const skip = clientHelloRandomOffset(view, offset, captured);
  const start = offset + skip;
  const available = Math.min(captured - skip, 256);
  words[s + PAYLOAD_SEEN] = available;
  let h1 = 0x811c9dc5;
  let at = 0;
  let level = 0;
  while (level < IDENTITY_LEVELS.length && available >= IDENTITY_LEVELS[level]!) {
    const stop = IDENTITY_LEVELS[level]!;
    for (; at < stop; at += 4) {
      h1 = Math.imul(h1 ^ view.getInt32(start + at), 0x9e3779b1);
      h1 = (h1 << 13) | (h1 >>> 19);
    }
    words[s + PAYLOAD_HASH + level] = finish(h1);
    level++;
  }
  if (level < IDENTITY_LEVELS.length && level === 0 && available > 0) {
    // A payload shorter than the first level is hashed whole: its length tells it from longer ones.
    for (; at < available; at++) h1 = Math.imul(h1 ^ view.getUint8(start + at), 0x9e3779b1);
    words[s + PAYLOAD_HASH] = finish(h1);
  }
}

/** Never 0: 0 means that there is no hash. */
function finish(hash: number): number {
  const x = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (x ^ (x >>> 15)) | 1;
}
