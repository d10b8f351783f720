import { expect, test } from "vitest";
import { growthOf } from "../../../src/balance/what-if/growth.ts";
import { spreadOf } from "../../../src/balance/what-if/spread.ts";
import { syntheticKeys } from "../../../src/balance/what-if/synthetic-keys.ts";
import { backend, backends, modulo, rendezvous } from "./sample-methods.ts";

const VIP = { address: Uint8Array.of(192, 0, 2, 10), port: 443 };
const KEYS = syntheticKeys({ kind: "spread", keys: 12_000, clients: 12_000, seed: 3, protocol: 6, vip: VIP });

test("step by step: what the new one moved, against its due", () => {
  const range = { backends: backends(1, 2, 3, 4), from: 2, to: 4 };
  const steps = growthOf(rendezvous, {}, range, KEYS);
  expect(steps.map((step) => step.backends)).toEqual([2, 3, 4]);
  expect(steps[0]).toMatchObject({ movedShare: null, idealShare: null });
  expect(steps[1]!.idealShare).toBeCloseTo(1 / 3, 12);
  expect(steps[1]!.movedShare).toBeCloseTo(1 / 3, 1);
  expect(steps[2]!.movedShare).toBeCloseTo(1 / 4, 1);
  // modulo 3 becomes modulo 4: a key stays where both remainders are the same, a quarter of them
  expect(growthOf(modulo, {}, range, KEYS)[2]!.movedShare).toBeCloseTo(3 / 4, 1);
});

test("a spread is held against the weights, and one that takes nothing is no member", () => {
  const set = [backend(1, 3), backend(2, 0), backend(3, 1)];
  const { counts, unserved, skew, worst } = spreadOf(modulo.build(set), set, KEYS);
  expect(counts[1]).toBe(0);
  expect(unserved).toBe(0);
  expect(counts[0]! / counts[2]!).toBeCloseTo(3, 0);
  expect(skew!.maxOverExpected).toBeLessThan(1.05);
  expect(skew!.pValue).toBeGreaterThan(0.001);
  expect([0, 2]).toContain(worst);
  expect(skew!.worst).toBe(worst);
});

test("without a backend that takes anything there is no skew", () => {
  const set = [backend(1, 0)];
  expect(spreadOf(modulo.build(set), set, KEYS)).toMatchObject({ unserved: KEYS.length, skew: null, worst: null });
});
