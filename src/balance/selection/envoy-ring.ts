import { murmurHash64A } from "../hashing/murmur2.ts";
import { Word64 } from "../hashing/word64.ts";
import { xxh64 } from "../hashing/xxh64.ts";
import { sourceAddressHash } from "./envoy-maglev.ts";
import { HashRing } from "./hash-ring.ts";
import { ringSelection } from "./ring-selection.ts";
import type { SelectionMethod } from "./selection.ts";
import { fieldsText, step } from "./step-text.ts";

export interface EnvoyRingOptions {
  /** `ring_hash_lb_config.minimum_ring_size`: how many points there are at least. */
  minimum: number;
  /** `maximum_ring_size` */
  maximum: number;
  /** `hash_function` of the points: `xxhash` or `murmur2`. */
  hash: string;
}

const MURMUR_SEED = 0xc70f6907;
const MOST_POINTS = 8 * 1024 * 1024;
const POINT_HASHES: Record<string, (bytes: Uint8Array, into: Word64) => void> = {
  xxhash: (bytes, into) => xxh64(bytes, into),
  murmur2: (bytes, into) => murmurHash64A(bytes, MURMUR_SEED, into),
};

/** ring_hash_lb.cc, Ring. @throws RangeError where the options are refused */
export function envoyHashRing(
  keys: readonly string[],
  weights: readonly number[],
  { minimum, maximum, hash }: EnvoyRingOptions,
): HashRing {
  const hashPoint = POINT_HASHES[hash];
  if (hashPoint === undefined) {
    throw new RangeError(`hash ${hash}: expected ${Object.keys(POINT_HASHES).join(" or ")}`);
  }
  if (minimum > maximum || maximum > MOST_POINTS || minimum < 1) {
    throw new RangeError(`minimum ${minimum}, maximum ${maximum}: expected 1 <= minimum <= maximum <= ${MOST_POINTS}`);
  }
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = weights.map((weight) => weight / sum);
  const smallest = Math.min(...shares.filter((share) => share > 0));
  if (!Number.isFinite(smallest)) return new HashRing(new Int32Array(0), new Int32Array(0), new Int32Array(0));
  const scale = Math.min(Math.ceil(smallest * minimum) / smallest, maximum);
  const his: number[] = [];
  const los: number[] = [];
  const owners: number[] = [];
  const word = new Word64();
  const encoder = new TextEncoder();
  let current = 0;
  let target = 0;
  for (const [index, share] of shares.entries()) {
    target += scale * share;
    for (let point = 0; current < target; point++, current++) {
      hashPoint(encoder.encode(`${keys[index]}_${point}`), word);
      his.push(word.hi);
      los.push(word.lo);
      owners.push(index);
    }
  }
  return new HashRing(Int32Array.from(his), Int32Array.from(los), Int32Array.from(owners));
}

export const envoyRing: SelectionMethod<EnvoyRingOptions> = {
  id: "envoy-ring",
  summary: "Envoy's ring hash with the hash policy source_ip: source address",
  defaults: { minimum: 1024, maximum: MOST_POINTS, hash: "xxhash" },
  build: (backends, options = {}) => {
    const own = { ...envoyRing.defaults, ...options };
    const ring = envoyHashRing(
      backends.map(({ name }) => name),
      backends.map(({ weight }) => weight),
      own,
    );
    return ringSelection(backends, ring, 64, sourceAddressHash(), (key) => [
      step("hashed", `${fieldsText(key, ["src"])} as text`),
      step("function", `XXH64; the points by ${own.hash}`),
      step("seed", 0),
    ]);
  },
};
