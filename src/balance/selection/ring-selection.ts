import { Word64 } from "../hashing/word64.ts";
import type { HashRing } from "./hash-ring.ts";
import type { FlowKey, HashBackend, Selection, SelectionStep } from "./selection.ts";
import { backendStep, hex32, step } from "./step-text.ts";

/**
 * @param hash of a packet; the word may be used again at the next call
 * @param bits of the circle, 32 or 64
 */
export function ringSelection(
  backends: readonly HashBackend[],
  ring: HashRing,
  bits: 32 | 64,
  hash: (key: FlowKey) => Word64,
  hashSteps: (key: FlowKey) => SelectionStep[],
): Selection {
  const text = (word: Word64): string => (bits === 32 ? hex32(word.lo) : word.toHex());
  const choose = (key: FlowKey): number => ring.find(hash(key));
  return {
    select: (key) => {
      const point = choose(key);
      return point < 0 ? -1 : ring.backends[point]!;
    },
    explain: (key) => {
      const point = choose(key);
      const steps = [...hashSteps(key), step("hash", text(hash(key)))];
      if (point < 0) return { backend: -1, steps: [...steps, backendStep(backends, -1)] };
      const backend = ring.backends[point]!;
      return {
        backend,
        steps: [
          ...steps,
          step("point", `${text(ring.read(point, new Word64()))}, number ${point} of ${ring.size} on the ring`),
          backendStep(backends, backend),
          step("share", `${ring.count(backend)} of ${ring.size} points`),
        ],
      };
    },
  };
}
