import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FlowKey } from "../../../src/balance/selection/selection.ts";
import {
  mostKeys,
  SOURCE_KINDS,
  type SyntheticTraffic,
  syntheticKeys,
  usualClients,
} from "../../../src/balance/what-if/synthetic-keys.ts";

const V4 = { address: Uint8Array.of(192, 0, 2, 10), port: 443 };
const V6 = { address: Uint8Array.from([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16]), port: 443 };
const made = (traffic: Partial<SyntheticTraffic>) =>
  syntheticKeys({ kind: "spread", keys: 1000, clients: 100, seed: 1, protocol: 6, vip: V4, ...traffic });
const text = ({ src, srcPort }: FlowKey) => `${src.join(".")}:${srcPort}`;
const perClient = (keys: readonly FlowKey[]) => {
  const counts = new Map<string, number>();
  for (const { src } of keys) counts.set(src.join("."), (counts.get(src.join(".")) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
};

test("the same question gets the same connections, another seed others", () => {
  expect(made({}).map(text)).toEqual(made({}).map(text));
  expect(made({ seed: 2 }).map(text)).not.toEqual(made({}).map(text));
});

test("every connection is another one, of the family and to the VIP asked for, whatever the numbers", () => {
  const traffic = fc.record({
    kind: fc.constantFrom(...SOURCE_KINDS),
    keys: fc.integer({ min: 1, max: 3000 }),
    clients: fc.integer({ min: 1, max: 500 }),
    seed: fc.integer(),
    vip: fc.constantFrom(V4, V6),
  });
  fc.assert(
    fc.property(traffic, (given) => {
      const keys = made({ ...given, protocol: 17 });
      expect(keys).toHaveLength(given.keys);
      expect(new Set(keys.map(text)).size).toBe(given.keys);
      const isAsAsked = ({ src, dst, dstPort, protocol, srcPort }: FlowKey) =>
        src.length === given.vip.address.length &&
        dst === given.vip.address &&
        dstPort === 443 &&
        protocol === 17 &&
        srcPort >= 1024 &&
        srcPort <= 65_535;
      expect(keys.filter((key) => !isAsAsked(key))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

describe("kinds of sources", () => {
  test("spread: each client has as many connections as the next, one each where none is told", () => {
    expect(perClient(made({}))).toEqual(new Array(100).fill(10));
    expect(usualClients("spread", 5000)).toBe(5000);
  });
  test("nat: few addresses, the first with most", () => {
    const counts = perClient(made({ kind: "nat", keys: 10_000, clients: usualClients("nat", 10_000) }));
    expect(counts).toHaveLength(16);
    // Zipf over 16: 1 / (1 + 1/2 + … + 1/16) is 29.6%
    expect(counts[0]! / 10_000).toBeCloseTo(0.296, 1);
    expect(counts[0]! / counts[1]!).toBeCloseTo(2, 0);
  });
  test("sequential: addresses and ports in order", () => {
    expect(made({ kind: "sequential", keys: 5, clients: 2 }).map(text)).toEqual([
      "10.1.0.1:32768",
      "10.1.0.2:32768",
      "10.1.0.1:32769",
      "10.1.0.2:32769",
      "10.1.0.1:32770",
    ]);
    const many = new Set(made({ kind: "sequential", keys: 70_000, clients: 70_000 }).map(text));
    expect(many.size).toBe(70_000);
  });
});

test("clients without free ports leave the rest to others, and more than all have is refused", () => {
  const most = mostKeys("spread", 2);
  expect(most).toBe(56_464);
  expect(new Set(made({ keys: most, clients: 2 }).map(text)).size).toBe(most);
  const full = mostKeys("nat", 2);
  expect(perClient(made({ kind: "nat", keys: full, clients: 2 }))).toEqual([64_512, 64_512]);
  expect(() => made({ keys: most + 1, clients: 2 })).toThrow("2 clients have ports for 56464 connections, not 56465");
});
