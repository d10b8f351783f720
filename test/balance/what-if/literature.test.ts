import { describe, expect, test } from "vitest";
import { METHODS } from "../../../src/balance/selection/methods.ts";
import type { SelectionMethod } from "../../../src/balance/selection/selection.ts";
import { changeEffect } from "../../../src/balance/what-if/change-effect.ts";
import { growthOf } from "../../../src/balance/what-if/growth.ts";
import { changePool, type PoolChange } from "../../../src/balance/what-if/pool-change.ts";
import { selectionAfter } from "../../../src/balance/what-if/running-balancer.ts";
import { choicesOf } from "../../../src/balance/what-if/spread.ts";
import { syntheticKeys } from "../../../src/balance/what-if/synthetic-keys.ts";
import { filledUp } from "../../../src/report/hash/made-up-backends.ts";

const KEYS = syntheticKeys({
  kind: "spread",
  keys: 60_000,
  clients: 60_000,
  seed: 5,
  protocol: 6,
  vip: { address: Uint8Array.of(192, 0, 2, 10), port: 443 },
});
const NOTHING: PoolChange = { add: [], remove: [], drain: [], reweigh: [] };

function methodNamed(id: string): SelectionMethod {
  const method = METHODS.find((one) => one.id === id);
  if (!method) throw new Error(`no method ${id}`);
  return method;
}

/** Shares of connections that removing one of so many moves, and that it has to. */
function removal(id: string, count: number, removed: number, options: object = {}) {
  const backends = filledUp([], count);
  const pool = changePool(backends, { ...NOTHING, remove: [backends[removed]!.name] });
  const method = methodNamed(id);
  const before = choicesOf(method.build(backends, options), KEYS);
  const effect = changeEffect({ pool, before, after: choicesOf(selectionAfter(method, options, pool), KEYS) });
  return { moved: effect.moved / KEYS.length, lost: effect.lost / KEYS.length };
}

describe("Maglev against ketama, as the Maglev paper has it (Eisenbud et al., NSDI 2016, section 5.3)", () => {
  const range = { backends: filledUp([], 16), from: 10, to: 16 };
  const stepsOf = (id: string) => growthOf(methodNamed(id), {}, range, KEYS);
  const fullest = (id: string) => stepsOf(id).map(({ skew }) => skew!.maxOverExpected);

  test("Maglev is as even as its connections are many at every size, ketama is not at any", () => {
    // 60,000 over 16 has a standard deviation of 1.6%: three of them are 5%
    for (const value of [...fullest("katran-v2"), ...fullest("cilium")]) expect(value).toBeLessThan(1.05);
    for (const value of fullest("ketama")) expect(value).toBeGreaterThan(1.05);
  });

  test("ketama moves what it gives the new one and no more, Maglev a little more than it has to", () => {
    const maglev = stepsOf("katran-v2").slice(1);
    for (const { movedShare, idealShare } of maglev) {
      expect(movedShare! / idealShare!).toBeGreaterThan(0.95);
      expect(movedShare! / idealShare!).toBeLessThan(1.35);
    }
    const mean = (id: string) => {
      const steps = stepsOf(id).slice(1);
      return steps.reduce((sum, { movedShare, idealShare }) => sum + movedShare! / idealShare!, 0) / steps.length;
    };
    expect(mean("katran-v2")).toBeGreaterThan(1.02);
    expect(removal("ketama", 10, 3).moved).toBe(removal("ketama", 10, 3).lost);
  });
});

test("one of a hundred leaves: Maglev moves up to about twice as many as a ring, as Envoy's documentation says", () => {
  const maglev = removal("envoy-maglev", 100, 40);
  expect(maglev.lost).toBeCloseTo(0.01, 2);
  expect(maglev.moved / maglev.lost).toBeGreaterThan(1.2);
  expect(maglev.moved / maglev.lost).toBeLessThan(2.5);
  // a ring that is large enough that its size stays the same when a host leaves
  const ring = removal("envoy-ring", 100, 40, { minimum: 1024, maximum: 1_000_000 });
  expect(ring.moved / ring.lost).toBeLessThan(1.5);
});

describe("other methods", () => {
  test("rendezvous moves nothing but what it must (Thaler and Ravishankar 1998)", () => {
    for (const id of ["rendezvous", "glb"]) {
      const { moved, lost } = removal(id, 10, 3);
      expect(moved).toBe(lost);
    }
  });
  test("modulo N + 1 after modulo N moves all but one of N + 1", () => {
    const [, step] = growthOf(methodNamed("modulo"), {}, { backends: filledUp([], 10), from: 9, to: 10 }, KEYS);
    expect(step!.movedShare).toBeCloseTo(9 / 10, 2);
  });
  test("hash-threshold moves half where the last next hop leaves, a quarter in the middle (RFC 2992)", () => {
    const policy = { policy: 1, seed: 1 };
    expect(removal("linux-ecmp", 9, 8, policy).moved).toBeCloseTo(1 / 2, 1);
    expect(removal("linux-ecmp", 9, 4, policy).moved).toBeCloseTo(1 / 4 + 1 / 36, 1);
  });
  test("a resilient group moves a leaving member's buckets alone, as RFC 2992's methods cannot", () => {
    const { moved, lost } = removal("resilient", 9, 4, { policy: 1, seed: 1 });
    expect(moved).toBe(lost);
  });
});
