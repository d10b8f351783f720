import { Word64 } from "../hashing/word64.ts";
import { xxh64 } from "../hashing/xxh64.ts";
import { FIVE_TUPLE, FieldBytes, readFields } from "./fields.ts";
import type { FlowKey, SelectionMethod } from "./selection.ts";
import { backendStep, fieldsText, step } from "./step-text.ts";

export interface RendezvousOptions {
  fields: readonly string[];
}

const ZERO = new Word64();
/** How many scores an explanation shows. */
const SHOWN = 3;

/**
 * Weighted rendezvous, or highest random weight (Thaler and Ravishankar 1996; the weights' logarithm by Schindelhauer
 * and Schomaker 2005), each score from MurmurHash3's finalizer over both hashes: nobody's own, but what others are measured by, since a change moves no flow but those it must.
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
    const hasEqualWeights = backends.every(({ weight }) => weight === backends[0]?.weight);
    const flow = new Word64();
    const hash = new Word64();
    const hashFlow = (key: FlowKey): void => xxh64(packer.bytes, flow, ZERO, packer.write(key));
    const mixed = (index: number): Word64 => {
      const seed = seeds[index]!;
      hash
        .set(flow.hi ^ seed.hi, flow.lo ^ seed.lo)
        .xorShiftRight(33)
        .multiply(0xff51afd7, 0xed558ccd);
      return hash.xorShiftRight(33).multiply(0xc4ceb9fe, 0x1a85ec53).xorShiftRight(33);
    };
    const score = (index: number): number => {
      mixed(index);
      // above 0 and below 1: 53 bits are what a double has
      const fraction = ((hash.hi >>> 0) * 0x200000 + (hash.lo >>> 11) + 0.5) / 0x20000000000000;
      return -backends[index]!.weight / Math.log(fraction);
    };
    /** Where all weigh the same, the order of the hashes is that of the scores. */
    const rank = (index: number): number =>
      hasEqualWeights ? (mixed(index).hi >>> 0) * 0x200000 + (hash.lo >>> 11) : score(index);
    const choose = (key: FlowKey): number => {
      hashFlow(key);
      let best = -1;
      let highest = -1;
      for (let index = 0; index < backends.length; index++) {
        if (backends[index]!.weight <= 0) continue;
        const own = rank(index);
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
        hashFlow(key);
        const scores = backends
          .map(({ name, weight }, index) => ({ name, weight, value: score(index) }))
          .filter(({ weight }) => weight > 0)
          .sort((a, b) => b.value - a.value);
        const text = scores.slice(0, SHOWN).map(({ name, value }) => `${name} ${value.toPrecision(6)}`);
        return {
          backend,
          steps: [
            step("hashed", fieldsText(key, fields)),
            step("function", "XXH64, XORed with each backend name's, mixed; score = -weight / ln(mixed / 2^64)"),
            step("hash", `${flow.toHex()}${backend < 0 ? "" : `, mixed ${mixed(backend).toHex()}`}`),
            step("scores", text.length === 0 ? "none" : `${text.join(", ")} (highest first, of ${scores.length})`),
            backendStep(backends, backend),
          ],
        };
      },
    };
  },
};
