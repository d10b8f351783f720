import { Word64 } from "../hashing/word64.ts";
import { xxh64 } from "../hashing/xxh64.ts";
import { FIVE_TUPLE, FieldBytes, readFields } from "./fields.ts";
import type { FlowKey, SelectionMethod } from "./selection.ts";
import { backendStep, fieldsText, step } from "./step-text.ts";

export interface RendezvousOptions {
  fields: readonly string[];
}

/** How many scores an explanation shows. */
const SHOWN = 3;

/**
 * Weighted rendezvous, or highest random weight (Thaler and Ravishankar 1996; the weights' logarithm by Schindelhauer
 * and Schomaker 2005): nobody's own, but what others are measured by, since a change moves no flow but those it must.
 */
export const rendezvous: SelectionMethod<RendezvousOptions> = {
  id: "rendezvous",
  summary: "weighted rendezvous hashing by XXH64, by default of the 5-tuple",
  defaults: { fields: FIVE_TUPLE },
  build: (backends, options = {}) => {
    const own = { ...rendezvous.defaults, ...options };
    const fields = readFields(own.fields);
    const packer = new FieldBytes(fields);
    const encoder = new TextEncoder();
    const seeds = backends.map(({ name }) => {
      const seed = new Word64();
      xxh64(encoder.encode(name), seed);
      return seed;
    });
    const hash = new Word64();
    const score = (index: number, length: number): number => {
      const { weight } = backends[index]!;
      if (weight <= 0) return -1;
      xxh64(packer.bytes, hash, seeds[index], length);
      // above 0 and below 1: 53 bits are what a double has
      const fraction = ((hash.hi >>> 0) * 0x200000 + (hash.lo >>> 11) + 0.5) / 0x20000000000000;
      return -weight / Math.log(fraction);
    };
    const choose = (key: FlowKey): number => {
      const length = packer.write(key);
      let best = -1;
      let highest = -1;
      for (let index = 0; index < backends.length; index++) {
        const own = score(index, length);
        if (own <= highest) continue;
        highest = own;
        best = index;
      }
      return best;
    };
    return {
      select: choose,
      explain: (key) => {
        const backend = choose(key);
        const length = packer.write(key);
        const scores = backends
          .map(({ name }, index) => ({ name, value: score(index, length) }))
          .filter(({ value }) => value >= 0)
          .sort((a, b) => b.value - a.value);
        const text = scores.slice(0, SHOWN).map(({ name, value }) => `${name} ${value.toPrecision(6)}`);
        if (backend >= 0) xxh64(packer.bytes, hash, seeds[backend], length);
        return {
          backend,
          steps: [
            step("hashed", fieldsText(key, fields)),
            step("function", "XXH64, once with each backend's name as seed; score = -weight / ln(hash / 2^64)"),
            step("hash", backend < 0 ? "none" : hash.toHex()),
            step("scores", text.length === 0 ? "none" : `${text.join(", ")} (highest first, of ${scores.length})`),
            backendStep(backends, backend),
          ],
        };
      },
    };
  },
};
