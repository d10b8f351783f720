import { readLittle } from "./word32.ts";
import { Word64 } from "./word64.ts";

/** XXH64 by Yann Collet (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */

const P1 = [0x9e3779b1, 0x85ebca87] as const;
const P2 = [0xc2b2ae3d, 0x27d4eb4f] as const;
const P3 = [0x165667b1, 0x9e3779f9] as const;
const P4 = [0x85ebca77, 0xc2b2ae63] as const;
const P5 = [0x27d4eb2f, 0x165667c5] as const;

const lanes = [new Word64(), new Word64(), new Word64(), new Word64()] as const;
const input = new Word64();
const copy = new Word64();
const ZERO = new Word64();

/**
 * @param h where the result goes; may be the seed itself
 * @param length how many of the bytes, from the first
 */
export function xxh64(bytes: Uint8Array, h: Word64, seed: Word64 = ZERO, length: number = bytes.length): void {
  const { hi: seedHi, lo: seedLo } = seed;
  let at = 0;
  if (length < 32) {
    h.set(seedHi, seedLo).add(P5[0], P5[1]);
  } else {
    lanes[0].set(seedHi, seedLo).add(P1[0], P1[1]).add(P2[0], P2[1]);
    lanes[1].set(seedHi, seedLo).add(P2[0], P2[1]);
    lanes[2].set(seedHi, seedLo);
    lanes[3].set(seedHi, seedLo).subtract(P1[0], P1[1]);
    for (; at + 32 <= length; at += 32) {
      for (let lane = 0; lane < 4; lane++) round(lanes[lane]!, input.read(bytes, at + (lane << 3)));
    }
    h.copy(lanes[0]).rotateLeft(1);
    for (let lane = 1; lane < 4; lane++) {
      copy.copy(lanes[lane]!).rotateLeft(LANE_ROTATIONS[lane]!);
      h.add(copy.hi, copy.lo);
    }
    for (const lane of lanes) {
      mixIn(h, lane);
      h.multiply(P1[0], P1[1]).add(P4[0], P4[1]);
    }
  }
  h.add(0, length);
  for (; at + 8 <= length; at += 8) {
    mixIn(h, input.read(bytes, at));
    h.rotateLeft(27).multiply(P1[0], P1[1]).add(P4[0], P4[1]);
  }
  if (at + 4 <= length) {
    input.set(0, readLittle(bytes, at)).multiply(P1[0], P1[1]);
    h.xor(input.hi, input.lo).rotateLeft(23).multiply(P2[0], P2[1]).add(P3[0], P3[1]);
    at += 4;
  }
  for (; at < length; at++) {
    input.set(0, bytes[at]!).multiply(P5[0], P5[1]);
    h.xor(input.hi, input.lo).rotateLeft(11).multiply(P1[0], P1[1]);
  }
  h.xorShiftRight(33).multiply(P2[0], P2[1]);
  h.xorShiftRight(29).multiply(P3[0], P3[1]).xorShiftRight(32);
}

const LANE_ROTATIONS = [1, 7, 12, 18] as const;

function round(lane: Word64, word: Word64): void {
  word.multiply(P2[0], P2[1]);
  lane.add(word.hi, word.lo).rotateLeft(31).multiply(P1[0], P1[1]);
}

function mixIn(h: Word64, word: Word64): void {
  word.multiply(P2[0], P2[1]).rotateLeft(31).multiply(P1[0], P1[1]);
  h.xor(word.hi, word.lo);
}
