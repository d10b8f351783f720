import type { FlowKey, HashBackend, SelectionMethod } from "../../../src/balance/selection/selection.ts";

/** Two methods whose behaviour is known by heart, so that what is measured of them can be told beforehand. */

function mix(...words: number[]): number {
  let hash = 0x811c9dc5;
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash ^= hash >>> 12;
  }
  return hash >>> 0;
}

function hashOf({ src, srcPort }: FlowKey): number {
  return mix(...src, srcPort);
}

/** The highest score wins: a change moves what it must, and nothing else. Weight 0 takes nothing. */
export const rendezvous: SelectionMethod = {
  id: "rendezvous-sample",
  summary: "the highest score of address and port",
  defaults: {},
  build: (backends) => {
    const scores = (key: FlowKey) =>
      backends.map(({ address, weight }) => (weight > 0 ? mix(hashOf(key), ...address) : -1));
    const select = (key: FlowKey): number => {
      const own = scores(key);
      const best = Math.max(...own);
      return best < 0 ? -1 : own.indexOf(best);
    };
    return { select, explain: (key) => ({ backend: select(key), steps: [{ name: "score", value: "highest" }] }) };
  },
};

/** Hash modulo the number of backends, each as often as its weight: a change moves nearly all. */
export const modulo: SelectionMethod<{ fields: string[]; salt: number }> = {
  id: "modulo-sample",
  summary: "the hash modulo the number of backends",
  defaults: { fields: ["src", "src-port"], salt: 0 },
  build: (backends, options = {}) => {
    if (options.salt === 13) throw new RangeError("salt 13: not taken");
    const slots = backends.flatMap(({ weight }, index) => new Array<number>(weight).fill(index));
    const select = (key: FlowKey): number => {
      const hash = mix(
        options.fields?.includes("src-port") === false ? mix(...key.src) : hashOf(key),
        options.salt ?? 0,
      );
      return slots.length === 0 ? -1 : slots[hash % slots.length]!;
    };
    return { select, explain: (key) => ({ backend: select(key), steps: [{ name: "slot", value: "some" }] }) };
  },
};

export function backend(host: number, weight = 1): HashBackend {
  return { name: `10.2.0.${host}:8080`, address: Uint8Array.of(10, 2, 0, host), port: 8080, weight };
}

export function backends(...hosts: number[]): HashBackend[] {
  return hosts.map((host) => backend(host));
}
