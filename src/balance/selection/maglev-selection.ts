import type { FlowKey, HashBackend, Selection, SelectionStep } from "./selection.ts";
import { backendStep, step } from "./step-text.ts";

/** A filled Maglev table with what is to be told of it. */
export interface MaglevTable {
  table: Int32Array;
  /** Of each backend, by its index. */
  offsets: Uint32Array;
  skips: Uint32Array;
}

/**
 * @param slot the entry that a packet falls on
 * @param hashSteps what was hashed, with which seed, and the result
 */
export function maglevSelection(
  backends: readonly HashBackend[],
  maglev: MaglevTable,
  slot: (key: FlowKey) => number,
  hashSteps: (key: FlowKey) => SelectionStep[],
): Selection {
  const { table } = maglev;
  return {
    select: (key) => table[slot(key)]!,
    explain: (key) => {
      const entry = slot(key);
      const backend = table[entry] ?? -1;
      const steps = [...hashSteps(key), step("slot", `${entry} of ${table.length}`), backendStep(backends, backend)];
      return { backend, steps: [...steps, ...placementSteps(maglev, entry, backend)] };
    },
  };
}

/** Why the entry is that backend's: where its list of preferences begins, and which of them this is. */
export function placementSteps(
  { table, offsets, skips }: MaglevTable,
  entry: number,
  backend: number,
): SelectionStep[] {
  if (backend < 0) return [];
  const size = table.length;
  const offset = offsets[backend] ?? 0;
  const skip = skips[backend] ?? 0;
  // one backend alone fills katran's ring without any placement
  if (skip === 0) return [];
  let owned = 0;
  for (const owner of table) if (owner === backend) owned++;
  let preference = 0;
  for (let at = offset; at !== entry && preference < size; preference++) at = (at + skip) % size;
  return [
    step("placement", `offset ${offset}, skip ${skip}; slot ${entry} is preference ${preference}, counted from 0`),
    step("share", `${owned} of ${size} slots`),
  ];
}
