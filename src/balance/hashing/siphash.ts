import { readLittle } from "./word32.ts";
import { Word64 } from "./word64.ts";

/** SipHash (Aumasson and Bernstein, 2012) and what Linux makes of it (lib/siphash.c). */

/** A key of 16 bytes as four words of 32 bits, each little-endian. */
export type SipKey = Int32Array;

/** @param bytes 16 of them @throws RangeError where there are more or less */
export function sipKey(bytes: Uint8Array): SipKey {
  if (bytes.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${bytes.length}`);
  return Int32Array.from([0, 4, 8, 12], (at) => readLittle(bytes, at));
}

/** SipHash-2-4 into `result`; its digest in bytes is the result, little-endian. */
export function siphash24(key: SipKey, bytes: Uint8Array, result: Word64, length: number = bytes.length): void {
  start(key);
  run(state, blocks, 0, blockWords(bytes, length), 2, 4, result);
}

/** The kernel's `hsiphash` on 64-bit machines: the low half of SipHash-1-3. Unsigned. */
export function hsiphash64(key: SipKey, bytes: Uint8Array, scratch: Word64, length: number = bytes.length): number {
  start(key);
  run(state, blocks, 0, blockWords(bytes, length), 1, 3, scratch);
  return scratch.lo >>> 0;
}

/**
 * SipHash-2-4 of many messages that begin with the same 8 bytes, which are mixed in once for all of them; what follows
 * is cut into blocks once and for all prefixes.
 */
export class SipAfterPrefix {
  private readonly key: SipKey;
  private readonly words: Int32Array;
  private readonly ends: Int32Array;
  private readonly prefixed = new Int32Array(8);
  private readonly prefix = new Int32Array(2);

  /** @param rests what follows the prefix in each message */
  constructor(key: SipKey, rests: readonly Uint8Array[]) {
    const words: number[] = [];
    this.key = key;
    this.ends = Int32Array.from(rests, (rest) => {
      const count = blockWords(rest, rest.length);
      // the last block's upper byte is the whole message's length
      const last = blocks[count - 1]! + (PREFIX_BYTES << 24);
      words.push(...blocks.subarray(0, count - 1), last);
      return words.length;
    });
    this.words = Int32Array.from(words);
  }

  setPrefix(prefix: Word64): void {
    start(this.key);
    this.prefix[0] = prefix.lo;
    this.prefix[1] = prefix.hi;
    run(state, this.prefix, 0, 2, 2, 0, UNUSED);
    this.prefixed.set(state);
  }

  /** The hash of the prefix and the rest of that number. */
  hash(rest: number, result: Word64): void {
    run(this.prefixed, this.words, rest === 0 ? 0 : this.ends[rest - 1]!, this.ends[rest]!, 2, 4, result);
  }
}

const PREFIX_BYTES = 8;
const UNUSED = new Word64();
/** v0 to v3, each the lower half first. */
const state = new Int32Array(8);
let blocks = new Int32Array(64);

function start(key: SipKey): void {
  state[0] = key[0]! ^ 0x70736575;
  state[1] = key[1]! ^ 0x736f6d65;
  state[2] = key[2]! ^ 0x6e646f6d;
  state[3] = key[3]! ^ 0x646f7261;
  state[4] = key[0]! ^ 0x6e657261;
  state[5] = key[1]! ^ 0x6c796765;
  state[6] = key[2]! ^ 0x79746573;
  state[7] = key[3]! ^ 0x74656462;
}

/** Cuts a message into blocks of two words in `blocks`, the last with the length in its upper byte. @returns words */
function blockWords(bytes: Uint8Array, length: number): number {
  const whole = length >>> 3;
  const count = (whole + 1) << 1;
  if (count > blocks.length) blocks = new Int32Array(2 * count);
  for (let word = 0; word < whole << 1; word++) blocks[word] = readLittle(bytes, word << 2);
  let low = 0;
  let high = length << 24;
  for (let at = length - 1; at >= whole << 3; at--) {
    const bit = (at & 7) << 3;
    if (bit < 32) low |= bytes[at]! << bit;
    else high |= bytes[at]! << (bit - 32);
  }
  blocks[count - 2] = low;
  blocks[count - 1] = high;
  return count;
}

/**
 * One block goes in before each turn of the loop but the last, which is the finalization: so a round is written once,
 * on local variables, and costs no call. Each 64-bit word of the state is two variables.
 * @param finals rounds of the finalization; with 0 the state itself is the result, in `from`
 */
function run(
  from: Int32Array,
  words: Int32Array,
  first: number,
  end: number,
  compressions: number,
  finals: number,
  result: Word64,
): void {
  let v0l = from[0]!;
  let v0h = from[1]!;
  let v1l = from[2]!;
  let v1h = from[3]!;
  let v2l = from[4]!;
  let v2h = from[5]!;
  let v3l = from[6]!;
  let v3h = from[7]!;
  for (let at = first; at <= end; at += 2) {
    let low = 0;
    let high = 0;
    let rounds = compressions;
    if (at < end) {
      low = words[at]!;
      high = words[at + 1]!;
    } else {
      if (finals === 0) break;
      v2l ^= 0xff;
      rounds = finals;
    }
    v3h ^= high;
    v3l ^= low;
    for (let round = 0; round < rounds; round++) {
      let sum = (v0l + v1l) | 0;
      v0h = (v0h + v1h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
      v0l = sum;
      let swap = (v1h << 13) | (v1l >>> 19);
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = swap ^ v0h;
      swap = v0h;
      v0h = v0l;
      v0l = swap;
      sum = (v2l + v3l) | 0;
      v2h = (v2h + v3h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
      v2l = sum;
      swap = (v3h << 16) | (v3l >>> 16);
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = swap ^ v2h;
      sum = (v0l + v3l) | 0;
      v0h = (v0h + v3h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
      v0l = sum;
      swap = (v3h << 21) | (v3l >>> 11);
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = swap ^ v0h;
      sum = (v2l + v1l) | 0;
      v2h = (v2h + v1h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
      v2l = sum;
      swap = (v1h << 17) | (v1l >>> 15);
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = swap ^ v2h;
      swap = v2h;
      v2h = v2l;
      v2l = swap;
    }
    v0h ^= high;
    v0l ^= low;
  }
  if (finals === 0) {
    from[0] = v0l;
    from[1] = v0h;
    from[2] = v1l;
    from[3] = v1h;
    from[4] = v2l;
    from[5] = v2h;
    from[6] = v3l;
    from[7] = v3h;
    return;
  }
  result.hi = v0h ^ v1h ^ v2h ^ v3h;
  result.lo = v0l ^ v1l ^ v2l ^ v3l;
}
