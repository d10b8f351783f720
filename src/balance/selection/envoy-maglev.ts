import { Word64 } from "../hashing/word64.ts";
import { xxh64 } from "../hashing/xxh64.ts";
import { AddressText } from "./address-text.ts";
import { MaglevPreferences } from "./maglev-preferences.ts";
import { maglevSelection } from "./maglev-selection.ts";
import { requirePrime } from "./prime.ts";
import type { FlowKey, SelectionMethod } from "./selection.ts";
import { fieldsText, step } from "./step-text.ts";

export interface EnvoyMaglevOptions {
  /** `maglev_lb_config.table_size`, a prime up to 5000011. */
  table: number;
}

const MOST_ENTRIES = 5_000_011;
const ONE = new Word64().set(0, 1);

/** maglev_lb.cc, MaglevTable. @param keys of the hosts: their address and port, or hostname */
export function envoyMaglevTable(size: number, keys: readonly string[], weights: readonly number[]): MaglevPreferences {
  const preferences = new MaglevPreferences(size, keys.length);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const encoder = new TextEncoder();
  const hosts = keys
    .map((key, index) => ({ index, key, share: weights[index]! / sum, target: 0 }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const hash = new Word64();
  for (const { index, key } of hosts) {
    const bytes = encoder.encode(key);
    xxh64(bytes, hash);
    const offset = hash.modulo(size);
    xxh64(bytes, hash, ONE);
    preferences.place(index, offset, hash.modulo(size - 1) + 1);
  }
  if (hosts.length === 0) return preferences;
  const largest = Math.max(...hosts.map(({ share }) => share));
  for (let iteration = 1; ; iteration++) {
    for (const host of hosts) {
      if (iteration * host.share < host.target) continue;
      host.target += largest;
      if (preferences.take(host.index)) return preferences;
    }
  }
}

export const envoyMaglev: SelectionMethod<EnvoyMaglevOptions> = {
  id: "envoy-maglev",
  summary: "Envoy's Maglev with the hash policy source_ip: source address",
  defaults: { table: 65537 },
  build: (backends, options = {}) => {
    const { table } = { ...envoyMaglev.defaults, ...options };
    requirePrime(table, "table");
    if (table > MOST_ENTRIES) throw new RangeError(`table ${table}: Envoy takes ${MOST_ENTRIES} entries at most`);
    const maglev = envoyMaglevTable(
      table,
      backends.map(({ name }) => name),
      backends.map(({ weight }) => weight),
    );
    const hash = sourceAddressHash();
    return maglevSelection(
      backends,
      maglev,
      (key) => hash(key).modulo(table),
      (key) => [
        step("hashed", `${fieldsText(key, ["src"])} as text`),
        step("function", "XXH64"),
        step("seed", 0),
        step("hash", hash(key).toHex()),
      ],
    );
  },
};

/** source/common/network/hash_policy.cc, SourceIpHashMethod: XXH64 of the address as text, without the port. */
export function sourceAddressHash(): (key: FlowKey) => Word64 {
  const text = new AddressText();
  const result = new Word64();
  const seed = new Word64();
  return (key) => {
    const length = text.write(key.src);
    xxh64(text.bytes, result, seed, length);
    return result;
  };
}
