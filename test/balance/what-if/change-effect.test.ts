import { describe, expect, test } from "vitest";
import { glb } from "../../../src/balance/selection/glb.ts";
import { ipvsMh } from "../../../src/balance/selection/ipvs-mh.ts";
import { resilient } from "../../../src/balance/selection/resilient.ts";
import type { HashBackend, SelectionMethod } from "../../../src/balance/selection/selection.ts";
import { changeEffect } from "../../../src/balance/what-if/change-effect.ts";
import { reroutedFlows } from "../../../src/balance/what-if/ecmp-tier.ts";
import { changePool, type PoolChange } from "../../../src/balance/what-if/pool-change.ts";
import { selectionAfter } from "../../../src/balance/what-if/running-balancer.ts";
import { hasSecondChance, secondChances } from "../../../src/balance/what-if/second-chance.ts";
import { choicesOf } from "../../../src/balance/what-if/spread.ts";
import { syntheticKeys } from "../../../src/balance/what-if/synthetic-keys.ts";
import { backend, backends, modulo, rendezvous } from "./sample-methods.ts";

const NOTHING: PoolChange = { add: [], remove: [], drain: [], reweigh: [] };
const KEYS = syntheticKeys({
  kind: "spread",
  keys: 20_000,
  clients: 20_000,
  seed: 7,
  protocol: 6,
  vip: { address: Uint8Array.of(192, 0, 2, 10), port: 443 },
});
const FIVE = backends(11, 12, 13, 14, 15);
const SECOND = FIVE[1]!.name;

function effectOf(method: SelectionMethod, change: Partial<PoolChange>, before: readonly HashBackend[] = FIVE) {
  const pool = changePool(before, { ...NOTHING, ...change });
  const isRerouted = reroutedFlows(KEYS, { from: 4, to: 3, method: modulo, options: { salt: 99 } });
  const selection = selectionAfter(method, {}, pool);
  const effect = changeEffect({
    pool,
    before: choicesOf(method.build(before, {}), KEYS),
    after: choicesOf(selection, KEYS),
    isRerouted,
    pairs: hasSecondChance(selection) ? secondChances(selection, KEYS) : undefined,
  });
  return { pool, effect, share: (count: number | null) => (count ?? Number.NaN) / effect.established };
}

describe("the least that a change must move", () => {
  test.each<[string, readonly HashBackend[], Partial<PoolChange>, number]>([
    ["one of five is gone", FIVE, { remove: [SECOND] }, 1 / 5],
    ["one of five drains", FIVE, { drain: [SECOND] }, 1 / 5],
    ["a sixth", FIVE, { add: [backend(16)] }, 1 / 6],
    ["a sixth of weight five", FIVE, { add: [backend(16, 5)] }, 1 / 2],
    ["one of two weighs three times as much", backends(11, 12), { reweigh: [{ name: SECOND, weight: 3 }] }, 1 / 4],
    ["one for another", FIVE, { add: [backend(16)], remove: [SECOND] }, 1 / 5],
    ["the same weight", FIVE, { reweigh: [{ name: SECOND, weight: 1 }] }, 0],
    ["all are gone", backends(11), { remove: ["10.2.0.11:8080"] }, 1],
  ])("%s", (_, before, change, ideal) => {
    expect(changePool(before, { ...NOTHING, ...change }).idealShare).toBeCloseTo(ideal, 12);
  });
});

test("what stays keeps its order, a drained one with weight 0, and what is new comes last", () => {
  const { after, origins } = changePool(FIVE, {
    add: [backend(16)],
    remove: ["10.2.0.11:8080"],
    drain: [SECOND],
    reweigh: [{ name: "10.2.0.15:8080", weight: 9 }],
  });
  expect(after.map(({ name, weight }) => `${name}=${weight}`)).toEqual([
    "10.2.0.12:8080=0",
    "10.2.0.13:8080=1",
    "10.2.0.14:8080=1",
    "10.2.0.15:8080=9",
    "10.2.0.16:8080=1",
  ]);
  expect(origins).toEqual([1, 2, 3, 4, -1]);
  expect(() => changePool(FIVE, { ...NOTHING, add: [backend(12)] })).toThrow("10.2.0.12:8080 is there already");
});

describe("established connections", () => {
  test("one backend drains: tables keep all, rendezvous moves its own only, modulo four of five", () => {
    const best = effectOf(rendezvous, { drain: [SECOND] });
    expect(best.share(best.effect.moved)).toBeCloseTo(0.2, 1);
    expect(best.effect.lost).toBe(0);
    expect(best.effect.broken).toMatchObject({ stateless: best.effect.moved, connectionTable: 0, secondChance: null });
    const worst = effectOf(modulo, { drain: [SECOND] });
    expect(worst.share(worst.effect.moved)).toBeCloseTo(0.8, 1);
    expect(worst.effect.broken).toMatchObject({ connectionTable: 0, secondChance: null });
  });

  test("of those that another load balancer gets, only those break that it sends elsewhere", () => {
    const { effect, share } = effectOf(modulo, { drain: [SECOND] });
    // three of four flows come to another load balancer when modulo 4 becomes modulo 3
    expect(share(effect.broken.otherBalancer)).toBeCloseTo(0.8 * 0.75, 1);
    const best = effectOf(rendezvous, { drain: [SECOND] });
    expect(best.share(best.effect.broken.otherBalancer)).toBeCloseTo(0.2 * 0.75, 1);
  });

  test("a removed backend's connections are lost whatever keeps them", () => {
    const { effect } = effectOf(rendezvous, { remove: [SECOND] });
    expect(effect.moved).toBe(effect.lost);
    expect(effect.broken).toEqual({
      stateless: effect.lost,
      connectionTable: effect.lost,
      otherBalancer: effect.lost,
      secondChance: null,
    });
  });

  test("connections that no backend took before are not counted", () => {
    const none = [backend(11, 0)];
    const { effect } = effectOf(modulo, { add: [backend(12)] }, none);
    expect(effect).toMatchObject({ established: 0, moved: 0, lost: 0 });
  });
});

describe("GLB's second chance", () => {
  test("a backend that drains passes on nothing that is lost, and one that is new gives back what it took", () => {
    for (const change of [{ drain: [SECOND] }, { add: [backend(16)] }]) {
      const { effect, share, pool } = effectOf(glb, change);
      expect(share(effect.moved)).toBeCloseTo(pool.idealShare, 1);
      expect(effect.broken).toMatchObject({ stateless: effect.moved, secondChance: 0 });
    }
  });

  test("two new backends at once can be first and second: what they share is lost", () => {
    const { effect, share } = effectOf(glb, { add: [backend(16), backend(17)] });
    expect(share(effect.broken.secondChance)).toBeCloseTo((2 / 7) * (1 / 6), 1);
    expect(effect.broken.secondChance).toBeGreaterThan(0);
  });

  test("a backend that is gone takes its connections along", () => {
    const { effect } = effectOf(glb, { remove: [SECOND] });
    expect(effect.broken.secondChance).toBe(effect.lost);
  });
});

describe("balancers that keep what they had", () => {
  test("a resilient group moves the buckets of a member that left and no others", () => {
    const gone = effectOf(resilient, { remove: [SECOND] });
    expect(gone.effect.moved).toBe(gone.effect.lost);
    expect(gone.effect.lost).toBeGreaterThan(0);
    expect(effectOf(resilient, { add: [backend(16)] }).effect.moved).toBe(0);
  });

  test("IPVS leaves a drained destination in mh's table: its clients' next connections are turned away", () => {
    const { effect } = effectOf(ipvsMh, { drain: [SECOND] });
    expect(effect.moved).toBe(effect.turnedAway);
    expect(effect.turnedAway / KEYS.length).toBeCloseTo(0.2, 1);
    expect(effect.broken.connectionTable).toBe(0);
  });
});
