import { readLittle } from "./word32.ts";
import type { Word64 } from "./word64.ts";

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
  siphash(2, 4, key, bytes, length, result);
}

/** The kernel's `hsiphash` on 64-bit machines: the low half of SipHash-1-3. Unsigned. */
export function hsiphash64(key: SipKey, bytes: Uint8Array, scratch: Word64, length: number = bytes.length): number {
  siphash(1, 3, key, bytes, length, scratch);
  return scratch.lo >>> 0;
}

/**
 * One block goes in before each turn of the loop but the last, which is the finalization: so a round is written once,
 * on local variables, and costs no call. Each 64-bit word of the state is two variables.
 */
function siphash(
  compressions: number,
  finals: number,
  key: SipKey,
  bytes: Uint8Array,
  length: number,
  result: Word64,
): void {
  const k0l = key[0]!;
  const k0h = key[1]!;
  const k1l = key[2]!;
  const k1h = key[3]!;
  let v0h = k0h ^ 0x736f6d65;
  let v0l = k0l ^ 0x70736575;
  let v1h = k1h ^ 0x646f7261;
  let v1l = k1l ^ 0x6e646f6d;
  let v2h = k0h ^ 0x6c796765;
  let v2l = k0l ^ 0x6e657261;
  let v3h = k1h ^ 0x74656462;
  let v3l = k1l ^ 0x79746573;
  const whole = length >>> 3;
  for (let block = 0; block <= whole + 1; block++) {
    let low = 0;
    let high = 0;
    let rounds = compressions;
    if (block < whole) {
      low = readLittle(bytes, block << 3);
      high = readLittle(bytes, (block << 3) + 4);
    } else if (block === whole) {
      high = length << 24;
      for (let at = length - 1; at >= whole << 3; at--) {
        const bit = (at & 7) << 3;
        if (bit < 32) low |= bytes[at]! << bit;
        else high |= bytes[at]! << (bit - 32);
      }
    } else {
      v2l ^= 0xff;
      rounds = finals;
    }
    v3h ^= high;
    v3l ^= low;
    for (let round = 0; round < rounds; round++) {
      let sum = (v0l >>> 0) + (v1l >>> 0);
      v0h = (v0h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      let swap = (v1h << 13) | (v1l >>> 19);
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = swap ^ v0h;
      swap = v0h;
      v0h = v0l;
      v0l = swap;
      sum = (v2l >>> 0) + (v3l >>> 0);
      v2h = (v2h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      swap = (v3h << 16) | (v3l >>> 16);
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = swap ^ v2h;
      sum = (v0l >>> 0) + (v3l >>> 0);
      v0h = (v0h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      swap = (v3h << 21) | (v3l >>> 11);
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = swap ^ v0h;
      sum = (v2l >>> 0) + (v1l >>> 0);
      v2h = (v2h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
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
  result.hi = v0h ^ v1h ^ v2h ^ v3h;
  result.lo = v0l ^ v1l ^ v2l ^ v3l;
}
