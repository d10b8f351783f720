import { jhash } from "../hashing/jhash.ts";
import { FieldBytes, readFields } from "./fields.ts";
import type { SelectionMethod } from "./selection.ts";
import { slotSelection } from "./slot-selection.ts";
import { hex32 } from "./step-text.ts";
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
    return slotSelection(backends, {
      fields,
      function: "jhash",
      seed: hex32(own.seed),
      hash: (key) => jhash(packer.bytes, own.seed, packer.write(key)),
      slots,
      slotOf: (hash) => nftScale(hash, slots.length),
      slotWords: `hash × ${slots.length} / 2^32 = `,
    });
  },
};

/** The kernel's reciprocal_scale: the upper half of the product, not a remainder. */
function nftScale(hash: number, modulus: number): number {
  return Math.floor((hash * modulus) / 0x100000000);
}
