import type { HashBackend } from "./selection.ts";

/** Index of the backend at each of as many slots as all weigh together, backend after backend. */
export function weightedSlots(backends: readonly HashBackend[]): Int32Array {
  const slots = new Int32Array(backends.reduce((sum, { weight }) => sum + weight, 0));
  let at = 0;
  for (const [index, { weight }] of backends.entries()) {
    slots.fill(index, at, at + weight);
    at += weight;
  }
  return slots;
}
