import { CRC_MODELS, Crc } from "../hashing/crc.ts";
import { fnv1a } from "../hashing/fnv.ts";
import { jhash } from "../hashing/jhash.ts";
import { Toeplitz } from "../hashing/toeplitz.ts";
import { xorFold16, xorFold32 } from "../hashing/xor-fold.ts";
import { FIVE_TUPLE, FieldBytes, readFields } from "./fields.ts";
import { RSS_KEY } from "./rss-key.ts";
import type { SelectionMethod } from "./selection.ts";
import { slotSelection } from "./slot-selection.ts";
import { hex32 } from "./step-text.ts";
import { weightedSlots } from "./weighted-slots.ts";

export interface ModuloOptions {
  /** One of crc16, crc16-ccitt, crc32, crc32c, xor16, xor32, toeplitz, jhash, fnv1a. */
  hash: string;
  /** Hashed in the order named. */
  fields: readonly string[];
  /** XORed into the hash, or what jhash starts from: what keeps two tiers from choosing alike. */
  seed: number;
}

type BytesHash = (bytes: Uint8Array, length: number, seed: number) => number;

const HASHES: Readonly<Record<string, () => BytesHash>> = {
  ...Object.fromEntries(
    Object.entries(CRC_MODELS).map(([name, model]) => [
      name,
      (): BytesHash => {
        const crc = new Crc(model);
        return (bytes, length, seed) => (crc.of(bytes, length) ^ seed) >>> 0;
      },
    ]),
  ),
  xor16: () => (bytes, length, seed) => (xorFold16(bytes, length) ^ seed) >>> 0,
  xor32: () => (bytes, length, seed) => (xorFold32(bytes, length) ^ seed) >>> 0,
  toeplitz: () => {
    const toeplitz = new Toeplitz(RSS_KEY);
    return (bytes, length, seed) => (toeplitz.hash(bytes, length) ^ seed) >>> 0;
  },
  jhash: () => (bytes, length, seed) => jhash(bytes, seed, length),
  fnv1a: () => (bytes, length, seed) => (fnv1a(bytes.subarray(0, length)) ^ seed) >>> 0,
};

/** The hash modulo the number of members, as ECMP and link aggregation of many switches do: a change moves nearly all. */
export const modulo: SelectionMethod<ModuloOptions> = {
  id: "modulo",
  summary: "ECMP of a switch: a hash of the fields modulo the number of members, by default CRC-32 of the 5-tuple",
  defaults: { hash: "crc32", fields: FIVE_TUPLE, seed: 0 },
  build: (backends, options = {}) => {
    const own = { ...modulo.defaults, ...options };
    const make = HASHES[own.hash];
    if (make === undefined) throw new RangeError(`hash ${own.hash}: expected ${Object.keys(HASHES).join(", ")}`);
    const bytesHash = make();
    const fields = readFields(own.fields);
    const packer = new FieldBytes(fields);
    const slots = weightedSlots(backends);
    return slotSelection(backends, {
      fields,
      function: own.hash,
      seed: hex32(own.seed),
      hash: (key) => bytesHash(packer.bytes, packer.write(key), own.seed),
      slots,
      slotOf: (hash) => hash % slots.length,
    });
  },
};
