import type { FieldName } from "./fields.ts";
import type { FlowKey, HashBackend, Selection } from "./selection.ts";
import { backendStep, fieldsText, hex32, step } from "./step-text.ts";

/** A hash of a packet's fields, and a table of backends that it is looked up in. */
export interface SlotRule {
  fields: readonly FieldName[];
  /** The hash by name, and what it starts from as text. */
  function: string;
  seed: string;
  hash: (key: FlowKey) => number;
  /** Indexes of backends, -1 in slots that are nobody's; may be empty. */
  slots: Int32Array | readonly number[];
  slotOf: (hash: number) => number;
  /** How the slot comes of the hash, where that needs saying: `hash × 5 / 2^32 = `. */
  slotWords?: string;
}

export function slotSelection(backends: readonly HashBackend[], rule: SlotRule): Selection {
  const { slots, hash, slotOf } = rule;
  const choose = (key: FlowKey): number => (slots.length === 0 ? -1 : slots[slotOf(hash(key))]!);
  return {
    select: choose,
    explain: (key) => {
      const backend = choose(key);
      const value = hash(key);
      const slot = slots.length === 0 ? "none" : `${rule.slotWords ?? ""}${slotOf(value)} of ${slots.length}`;
      return {
        backend,
        steps: [
          step("hashed", fieldsText(key, rule.fields)),
          step("function", rule.function),
          step("seed", rule.seed),
          step("hash", hex32(value)),
          step("slot", slot),
          backendStep(backends, backend),
        ],
      };
    },
  };
}
