import { jhash3Words, jhashCilium6 } from "../hashing/jhash.ts";
import { murmur3x64 } from "../hashing/murmur3.ts";
import { readBig, readLittle, swap16 } from "../hashing/word32.ts";
import { Word64 } from "../hashing/word64.ts";
import { MaglevPreferences } from "./maglev-preferences.ts";
import { maglevSelection } from "./maglev-selection.ts";
import { requirePrime } from "./prime.ts";
import type { FlowKey, HashBackend, SelectionMethod } from "./selection.ts";
import { fieldsText, hex32, step } from "./step-text.ts";

export interface CiliumOptions {
  /** `loadBalancer.maglev.tableSize`, a prime. */
  table: number;
  /** `loadBalancer.maglev.hashSeed`: 12 bytes in base64. */
  seed: string;
  /** The backends' protocol as in their keys: `TCP`, `UDP`, `SCTP`, `ANY`. */
  protocol: string;
  /** What is hashed to place a backend: `[10.2.0.11:8080/TCP,State:active]`, or its bare name as releases before did. */
  key: string;
}

const KEYS = ["address", "name"];

/** The seed's three parts (pkg/maglev/maglev.go). @throws RangeError */
export function ciliumSeeds(base64: string): { murmur: number; jhash4: number; jhash6: number } {
  const bytes = decodeBase64(base64);
  if (bytes?.length !== 12)
    throw new RangeError(`seed ${base64}: expected 12 bytes in base64, which are 16 characters`);
  const [murmur, jhash4, jhash6] = [0, 4, 8].map((at) => readBig(bytes, at) >>> 0) as [number, number, number];
  return { murmur, jhash4, jhash6 };
}

/** pkg/maglev/maglev.go, getLookupTable. @param keys what places each backend; those with weight 0 get no entry */
export function ciliumTable(size: number, murmurSeed: number, keys: readonly string[], weights: readonly number[]) {
  const preferences = new MaglevPreferences(size, keys.length);
  const encoder = new TextEncoder();
  const named = keys
    .map((key, index) => ({ index, bytes: encoder.encode(key), weight: weights[index]! }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => compareBytes(a.bytes, b.bytes));
  const [h1, h2] = [new Word64(), new Word64()];
  for (const { index, bytes } of named) {
    murmur3x64(bytes, murmurSeed, h1, h2);
    preferences.place(index, h1.modulo(size), h2.modulo(size - 1) + 1);
  }
  const count = named.length;
  if (count === 0) return preferences;
  const sum = named.reduce((total, { weight }) => total + weight, 0);
  const isWeighted = Math.floor(sum / count) > 1;
  const counters = named.map(({ weight }) => weight / count);
  for (let n = 0; ; n++) {
    let i = n % count;
    if (isWeighted) {
      while ((n + 1) * named[i]!.weight < Math.trunc(counters[i]!)) i = (i + 1) % count;
      counters[i]! += sum;
    }
    if (preferences.take(named[i]!.index)) return preferences;
  }
}

export const cilium: SelectionMethod<CiliumOptions> = {
  id: "cilium",
  summary: "Cilium's Maglev: source address, both ports and protocol",
  defaults: { table: 16381, seed: "JLfvgnHc2kaSUFaI", protocol: "TCP", key: "address" },
  build: (backends, options = {}) => {
    const own = { ...cilium.defaults, ...options };
    requirePrime(own.table, "table");
    if (!KEYS.includes(own.key)) throw new RangeError(`key ${own.key}: expected ${KEYS.join(" or ")}`);
    const seeds = ciliumSeeds(own.seed);
    const maglev = ciliumTable(
      own.table,
      seeds.murmur,
      backends.map((backend) => keyOf(backend, own)),
      backends.map(({ weight }) => weight),
    );
    const hash = (key: FlowKey): number => flowHash(key, seeds);
    return maglevSelection(
      backends,
      maglev,
      (key) => hash(key) % own.table,
      (key) => [
        step("hashed", fieldsText(key, ["src", "src-port", "dst-port", "protocol"])),
        step("function", "jhash"),
        step("seed", hex32(key.src.length === 4 ? seeds.jhash4 : seeds.jhash6)),
        step("hash", hex32(hash(key))),
      ],
    );
  },
};

function keyOf({ name }: HashBackend, { key, protocol }: CiliumOptions): string {
  return key === "name" ? name : `[${name}/${protocol},State:active]`;
}

/**
 * bpf/lib/hash.h, hash_from_tuple_v4 and _v6. At the look-up of a service the tuple's ports are the other way round
 * than in the packet (bpf/lib/lb.h, lb4_fill_key takes `sport` for the service's), so the upper half is the client's.
 */
function flowHash(key: FlowKey, seeds: { jhash4: number; jhash6: number }): number {
  const ports = (swap16(key.srcPort) << 16) | swap16(key.dstPort);
  if (key.src.length === 16) return jhashCilium6(key.src, ports, key.protocol, seeds.jhash6);
  return jhash3Words(readLittle(key.src, 0), ports, key.protocol, seeds.jhash4);
}

function decodeBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  const binary = atob(text);
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return a.length - b.length;
}
