import { jhash } from "../hashing/jhash.ts";
import { FieldBytes, readFields } from "./fields.ts";
import type { FlowKey, SelectionMethod } from "./selection.ts";
import { backendStep, fieldsText, hex32, step } from "./step-text.ts";
import { weightedSlots } from "./weighted-slots.ts";

export interface NftJhashOptions {
  /** Hashed in the order named, as in `jhash ip saddr . tcp sport`. */
  fields: readonly string[];
  seed: number;
}

/** nftables pads each part of a concatenation to whole registers of four bytes; one part alone keeps its length. */
const REGISTER_BYTES = 4;

/**
 * `dnat to jhash … mod N seed S map { … }` of nftables (net/netfilter/nft_hash.c, nft_jhash_eval). N is the weights'
 * sum: a backend has as many of the map's numbers, in a row, as it weighs.
 */
export const nftJhash: SelectionMethod<NftJhashOptions> = {
  id: "nft-jhash",
  summary: "nftables' jhash with a map, by default `ip saddr . tcp sport`",
  defaults: { fields: ["src", "src-port"], seed: 0 },
  build: (backends, options = {}) => {
    const own = { ...nftJhash.defaults, ...options };
    const fields = readFields(own.fields);
    const packer = new FieldBytes(fields, fields.length > 1 ? REGISTER_BYTES : 1);
    const slots = weightedSlots(backends);
    const hash = (key: FlowKey): number => jhash(packer.bytes, own.seed, packer.write(key));
    const slot = (key: FlowKey): number => nftScale(hash(key), slots.length);
    const choose = (key: FlowKey): number => (slots.length === 0 ? -1 : slots[slot(key)]!);
    return {
      select: choose,
      explain: (key) => {
        const backend = choose(key);
        return {
          backend,
          steps: [
            step("hashed", fieldsText(key, fields)),
            step("function", "jhash"),
            step("seed", hex32(own.seed)),
            step("hash", hex32(hash(key))),
            step("slot", `hash × ${slots.length} / 2^32 = ${slot(key)} of ${slots.length}`),
            backendStep(backends, backend),
          ],
        };
      },
    };
  },
};

/** The kernel's reciprocal_scale: the upper half of the product, not a remainder. */
function nftScale(hash: number, modulus: number): number {
  return Math.floor((hash * modulus) / 0x100000000);
}
