import * as L from "../flow/leg-layout.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/**
 * What sessions are grouped by, finest first: all that was captured of the first payload, its first 256, 64 and 16
 * bytes, and for sessions of which no payload was captured their sizes.
 */
export const PAYLOAD_LEVELS = ["whole", 2, 1, 0, "sizes"] as const;
export type PayloadLevel = (typeof PAYLOAD_LEVELS)[number];

/** Fewer bytes than these are the size of many answers. */
const TELLING_BYTES = 512;

/**
 * Groups sessions by their first payload, the server's where the client sent none.
 * @param legs one leg of each session
 * @param isLeftOut 1 for sessions that take no part
 * @returns positions in `legs`, only of those that share their payload with others
 */
export function payloadBuckets(
  set: LegSet,
  legs: readonly LegRef[],
  isLeftOut: Uint8Array,
  level: PayloadLevel,
): number[][] {
  let size = 16;
  while (size < legs.length * 2) size *= 2;
  const slots = new Int32Array(size);
  const keys = new Int32Array(legs.length);
  const buckets = new Map<number, number[]>();
  for (let position = 0; position < legs.length; position++) {
    if (isLeftOut[position] === 1) continue;
    const key = payloadKey(set, legs[position]!, level);
    if (key === 0) continue;
    keys[position] = key;
    for (let slot = (key ^ (key >>> 15)) & (size - 1); ; slot = (slot + 1) & (size - 1)) {
      const first = slots[slot]! - 1;
      if (first < 0) {
        slots[slot] = position + 1;
        break;
      }
      if (keys[first] !== key) continue;
      const bucket = buckets.get(first);
      if (bucket) bucket.push(position);
      else buckets.set(first, [first, position]);
      break;
    }
  }
  return [...buckets.values()];
}

/** 0 where too little was captured for the level. */
function payloadKey(set: LegSet, ref: LegRef, level: PayloadLevel): number {
  const view = set.view(ref);
  const { up, down } = view;
  if (level === "sizes") {
    if (up.payloadSeen > 0 || down.payloadSeen > 0 || down.payloadBytes < TELLING_BYTES) return 0;
    if (!view.has(L.LEG_SYN) || !view.has(L.LEG_FIN_UP) || !view.has(L.LEG_FIN_DOWN)) return 0;
    return mix(up.payloadBytes, down.payloadBytes);
  }
  const side = up.payloadBytes > 0 ? 0 : 1;
  const speaker = side === 0 ? up : down;
  const hash = level === "whole" ? view.payloadWhole(side) : speaker.payloadHash(level);
  if (hash === 0) return 0;
  // The same bytes in the other direction are something else.
  return mix(hash, level === "whole" ? speaker.payloadSeen * 2 + side : side);
}

function mix(a: number, b: number): number {
  return (a ^ Math.imul(b, 0x85ebca77)) | 0;
}
