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
 * @param members positions in `legs` of those that take part
 * @param level "any" is the coarsest: what shares any of the levels shares it
 * @returns positions in `legs`, only of those that share their payload with others
 */
export function payloadBuckets(
  set: LegSet,
  legs: readonly LegRef[],
  members: Int32Array,
  level: PayloadLevel | "any",
): number[][] {
  let size = 16;
  while (size < members.length * 2) size *= 2;
  const slots = new Int32Array(size);
  const keys = new Int32Array(members.length);
  const buckets = new Map<number, number[]>();
  for (let member = 0; member < members.length; member++) {
    const key = payloadKey(set, legs[members[member]!]!, level);
    if (key === 0) continue;
    keys[member] = key;
    for (let slot = (key ^ (key >>> 15)) & (size - 1); ; slot = (slot + 1) & (size - 1)) {
      const first = slots[slot]! - 1;
      if (first < 0) {
        slots[slot] = member + 1;
        break;
      }
      if (keys[first] !== key) continue;
      const bucket = buckets.get(first);
      if (bucket) bucket.push(members[member]!);
      else buckets.set(first, [members[first]!, members[member]!]);
      break;
    }
  }
  return [...buckets.values()];
}

/** 0 where too little was captured for the level. */
function payloadKey(set: LegSet, ref: LegRef, level: PayloadLevel | "any"): number {
  const view = set.view(ref);
  const { up, down } = view;
  const side = up.payloadBytes > 0 ? 0 : 1;
  const speaker = side === 0 ? up : down;
  if (level === "sizes" || (level === "any" && speaker.payloadSeen === 0)) {
    if (up.payloadSeen > 0 || down.payloadSeen > 0 || down.payloadBytes < TELLING_BYTES) return 0;
    if (!view.has(L.LEG_SYN) || !view.has(L.LEG_FIN_UP) || !view.has(L.LEG_FIN_DOWN)) return 0;
    return mix(up.payloadBytes, down.payloadBytes);
  }
  if (speaker.payloadSeen === 0) return 0;
  const isWhole = level === "whole" || (level === "any" && speaker.payloadHash(0) === 0);
  const hash = isWhole ? view.payloadWhole(side) : speaker.payloadHash(level === "any" ? 0 : level);
  if (hash === 0) return 0;
  // The same bytes in the other direction are something else.
  return mix(hash, isWhole ? speaker.payloadSeen * 2 + side : side);
}

function mix(a: number, b: number): number {
  return (a ^ Math.imul(b, 0x85ebca77)) | 0;
}
