import { follyAddressHash } from "../hashing/folly-address.ts";
import { jhash, jhash2Words } from "../hashing/jhash.ts";
import { murmur3x64 } from "../hashing/murmur3.ts";
import { readLittle, swap16 } from "../hashing/word32.ts";
import { Word64 } from "../hashing/word64.ts";
import { addressText } from "./address-text.ts";
import { type MaglevTable, maglevSelection } from "./maglev-selection.ts";
import { requirePrime } from "./prime.ts";
import type { FlowKey, HashBackend, Selection, SelectionStep } from "./selection.ts";
import { hex32, step } from "./step-text.ts";

/** What both of katran's hashes have in common: placement, and how a packet is hashed (bpf/balancer.bpf.c). */
export interface KatranOptions {
  /** Entries of the ring, a prime: RING_SIZE of balancer_consts.h. */
  ring: number;
  /** What hashes IPv4 starts from: INIT_JHASH_SEED, MAX_VIPS × RING_SIZE. */
  seed: number;
  /** The same of IPv6 addresses: INIT_JHASH_SEED_V6, MAX_VIPS. */
  seed6: number;
  /** The VIP has F_HASH_DPORT_ONLY: only the destination port is hashed. */
  dportOnly: boolean;
  /** The VIP was found by its address alone (port 0, or a prefix): the destination port is hashed as 0. */
  dportZeroed: boolean;
}

export const KATRAN_DEFAULTS: Readonly<KatranOptions> = {
  ring: 65537,
  seed: 512 * 65537,
  seed6: 512,
  dportOnly: false,
  dportZeroed: false,
};

/** Who takes how many entries in a turn: all that differs between v1 and v2. */
export type KatranTurns = (weights: readonly number[], take: (endpoint: number) => boolean) => void;

/** Builds a VIP's ring as katran does in production (lib/Vip.cpp) and looks packets up in it. */
export function buildKatran(
  backends: readonly HashBackend[],
  options: Partial<KatranOptions>,
  turns: KatranTurns,
): Selection {
  const own = { ...KATRAN_DEFAULTS, ...options };
  requirePrime(own.ring, "ring");
  const hashes = backends.map(({ address }) => {
    const hash = new Word64();
    follyAddressHash(address, hash);
    return hash;
  });
  const order = backends.map((_, index) => index).filter((index) => backends[index]!.weight > 0);
  order.sort((a, b) => compare(hashes[a]!, hashes[b]!) || a - b);
  const maglev = katranRing(
    own.ring,
    order.map((index) => ({ num: index, weight: backends[index]!.weight, hash: hashes[index]! })),
    turns,
  );
  const hash = katranHash(own);
  return maglevSelection(
    backends,
    maglev,
    (key) => hash(key) % own.ring,
    (key) => hashSteps(key, own, hash(key)),
  );
}

/** An endpoint as katran's MaglevBase sees it. */
export interface KatranEndpoint {
  /** What the ring holds for it. */
  num: number;
  weight: number;
  hash: Word64;
}

/** The ring of endpoints in the order given (lib/MaglevHash.cpp, MaglevHashV2.cpp). */
export function katranRing(ring: number, endpoints: readonly KatranEndpoint[], turns: KatranTurns): MaglevTable {
  const count = 1 + Math.max(-1, ...endpoints.map(({ num }) => num));
  const table = new Int32Array(ring).fill(-1);
  const offsets = new Uint32Array(count);
  const skips = new Uint32Array(count);
  const [only] = endpoints;
  if (only === undefined) return { table, offsets, skips };
  if (endpoints.length === 1) return { table: table.fill(only.num), offsets, skips };
  for (const { num, hash } of endpoints) {
    offsets[num] = permutationHash(hash, 42, 0).modulo(ring);
    skips[num] = permutationHash(hash, 2718281828, 2307).modulo(ring - 1) + 1;
  }
  const next = new Uint32Array(endpoints.length);
  let filled = 0;
  turns(
    endpoints.map(({ weight }) => weight),
    (endpoint) => {
      const { num } = endpoints[endpoint]!;
      const offset = offsets[num]!;
      const skip = skips[num]!;
      let entry: number;
      // in 32 bits, as katran: 65536 × 65536 is 0
      do entry = ((offset + Math.imul(next[endpoint]!++, skip)) >>> 0) % ring;
      while (table[entry]! >= 0);
      table[entry] = num;
      return ++filled === ring;
    },
  );
  return { table, offsets, skips };
}

const words = new Uint8Array(16);
const view = new DataView(words.buffer);
const h1 = new Word64();
const h2 = new Word64();

/** lib/MurmurHash3.cpp, MurmurHash3_x64_64: the first half of two words' hash. */
function permutationHash(hash: Word64, second: number, seed: number): Word64 {
  view.setInt32(0, hash.lo, true);
  view.setInt32(4, hash.hi, true);
  view.setUint32(8, second, true);
  view.setUint32(12, 0, true);
  murmur3x64(words, seed, h1, h2);
  return h1;
}

/** get_packet_hash of bpf/balancer.bpf.c on a little-endian host. The VIP's address is not hashed. */
function katranHash({ seed, seed6, dportOnly, dportZeroed }: KatranOptions): (key: FlowKey) => number {
  return (key) => {
    const dport = dportZeroed && !dportOnly ? 0 : key.dstPort;
    const sport = dportOnly ? dport : key.srcPort;
    const ports = swap16(sport) | (swap16(dport) << 16);
    if (key.src.length === 4) return jhash2Words(dportOnly ? 0 : readLittle(key.src, 0), ports, seed);
    return jhash2Words(jhash(dportOnly ? ZEROS : key.src, seed6), ports, seed);
  };
}

const ZEROS = new Uint8Array(16);

function hashSteps(key: FlowKey, options: KatranOptions, hash: number): SelectionStep[] {
  const { dportOnly, dportZeroed, seed, seed6 } = options;
  const dport = dportZeroed ? "destination port as 0" : `destination port ${key.dstPort}`;
  const all = `source ${addressText(key.src)}, source port ${key.srcPort}, ${dport}`;
  const seeds = key.src.length === 4 ? hex32(seed) : `${hex32(seed6)} for the address, then ${hex32(seed)}`;
  return [
    step("hashed", dportOnly ? `destination port ${key.dstPort} alone` : all),
    step("function", "jhash"),
    step("seed", seeds),
    step("hash", hex32(hash)),
  ];
}

function compare(a: Word64, b: Word64): number {
  return (a.hi >>> 0) - (b.hi >>> 0) || (a.lo >>> 0) - (b.lo >>> 0);
}
