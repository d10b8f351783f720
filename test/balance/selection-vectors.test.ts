import { describe, expect, it } from "vitest";
import { sipKey } from "../../src/balance/hashing/siphash.ts";
import { Word64 } from "../../src/balance/hashing/word64.ts";
import { cilium, ciliumSeeds, ciliumTable } from "../../src/balance/selection/cilium.ts";
import { envoyMaglevTable } from "../../src/balance/selection/envoy-maglev.ts";
import { envoyHashRing } from "../../src/balance/selection/envoy-ring.ts";
import { glb } from "../../src/balance/selection/glb.ts";
import { GlbTable } from "../../src/balance/selection/glb-table.ts";
import { katranRing } from "../../src/balance/selection/katran.ts";
import { katranV1, katranV1Turns } from "../../src/balance/selection/katran-v1.ts";
import { katranV2Turns } from "../../src/balance/selection/katran-v2.ts";
import { MaglevPreferences } from "../../src/balance/selection/maglev-preferences.ts";
import { fromHex } from "./hash-vectors.ts";
import { backendsOf, bytesOf, flow } from "./selection-backends.ts";

describe("Maglev as in the paper (Eisenbud et al., NSDI 2016, table 1)", () => {
  const fill = (places: readonly [number, number][]): number[] => {
    const preferences = new MaglevPreferences(7, places.length);
    for (const [index, [offset, skip]] of places.entries()) preferences.place(index, offset, skip);
    for (let turn = 0; ; turn++) if (preferences.take(turn % places.length)) return [...preferences.table];
  };
  it("fills the table of three backends", () => {
    expect(
      fill([
        [3, 4],
        [0, 2],
        [3, 1],
      ]),
    ).toEqual([1, 0, 1, 0, 2, 2, 0]);
  });
  it("moves one entry of others when the second backend leaves", () => {
    expect(
      fill([
        [3, 4],
        [3, 1],
      ]),
    ).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });
});

/** facebookincubator/katran@19f08fec, lib/tests: endpoints whose number is their hash. */
describe("katran's own tests", () => {
  const endpoints = (weights: readonly number[], hash = (index: number) => index) =>
    weights.map((weight, num) => ({ num, weight, hash: new Word64().set(0, hash(num)) }));
  const counts = (table: Int32Array, of: number): number[] =>
    Array.from({ length: of }, (_, num) => table.filter((entry) => entry === num).length);

  it.each([katranV1Turns, katranV2Turns])("shares the ring evenly among 400 (CHHelpersTest)", (turns) => {
    const own = counts(katranRing(65537, endpoints(new Array(400).fill(1)), turns).table, 400);
    expect(own.reduce((sum, count) => sum + count)).toBe(65537);
    expect(Math.max(...own) - Math.min(...own)).toBe(1);
  });
  it("weighs with v2 (CHHelpersTest, MaglevHashTest)", () => {
    const [first = 0, , last = 0] = counts(katranRing(65537, endpoints([2, 1, 1]), katranV2Turns).table, 3);
    expect(first - last).toBe(16385);
    const small = endpoints([2, 1], (index) => 1000 * (index + 1));
    expect(counts(katranRing(7, small, katranV2Turns).table, 2)).toEqual([5, 2]);
    expect(katranRing(7, small, katranV1Turns).table).not.toEqual(katranRing(7, small, katranV2Turns).table);
  });
  it("fills the ring with a single endpoint, and leaves it empty without any (MaglevHashTest)", () => {
    const only = { num: 3, weight: 1, hash: new Word64().set(0, 99) };
    expect([...katranRing(7, [only], katranV2Turns).table]).toEqual([3, 3, 3, 3, 3, 3, 3]);
    expect([...katranRing(7, [], katranV2Turns).table]).toEqual([-1, -1, -1, -1, -1, -1, -1]);
  });
});

/** Packets and the reals they are sent to: lib/testing/fixtures/KatranBaseTestFixtures.h, utils/KatranTestProvision.cpp */
describe("katran's end-to-end fixtures", () => {
  const reals = backendsOf(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]);
  const reals6 = backendsOf(["[fc00::1]:80", "[fc00::2]:80", "[fc00::3]:80"]);
  it.each([
    ["UDP to an IPv4 VIP", {}, reals, flow("192.168.1.1", 31337, "10.200.1.1", 80, 17), "10.0.0.3:80"],
    ["TCP to an IPv4 VIP", {}, reals, flow("192.168.1.1", 31337, "10.200.1.1", 80), "10.0.0.3:80"],
    ["any port of a VIP", { dportZeroed: true }, reals, flow("192.168.1.1", 31337, "10.200.1.2", 42), "10.0.0.2:80"],
    ["IPv4 to IPv6 reals", {}, reals6, flow("192.168.1.1", 31337, "10.200.1.3", 80), "[fc00::1]:80"],
    ["IPv6 to IPv6 reals", {}, reals6, flow("fc00:2::1", 31337, "fc00:1::1", 80), "[fc00::3]:80"],
    ["destination port alone", { dportOnly: true }, reals, flow("192.168.1.1", 31337, "10.200.1.4", 42), "10.0.0.2:80"],
    [
      "the same, another client",
      { dportOnly: true },
      reals,
      flow("192.168.1.100", 1337, "10.200.1.4", 42),
      "10.0.0.2:80",
    ],
  ] as const)("%s", (_, options, backends, key, expected) => {
    const { backend, steps } = katranV1.build(backends, options).explain(key);
    expect(backends[backend]?.name, JSON.stringify(steps)).toBe(expected);
  });
});

describe("cilium (pkg/maglev/maglev_test.go @0096d63a)", () => {
  it("splits its default seed", () => {
    // the jhash seeds are HASH_INIT4_SEED and HASH_INIT6_SEED of its node_config.h
    expect(ciliumSeeds("JLfvgnHc2kaSUFaI")).toEqual({ murmur: 616034178, jhash4: 1910299206, jhash6: 2454738568 });
    expect(() => ciliumSeeds("JLfv")).toThrow(RangeError);
  });
  it("fills TestReproducible's table", () => {
    const weights = [2, 13, 111, 10];
    const keys = [1, 3, 4, 5].map((n) => `[0.0.0.${n}:${n}/TCP,State:active]`);
    const { table } = ciliumTable(251, 616034178, keys, weights);
    const runs: string[] = [];
    for (let at = 0, from = 0; at <= table.length; at++) {
      if (at < table.length && table[at] === table[from]) continue;
      runs.push(`${table[from]}(${at - from})`);
      from = at;
    }
    expect(runs.join()).toBe(CILIUM_RUNS);
  });
  it("places a backend by the same key that is made of its name", () => {
    const backends = backendsOf(["0.0.0.1:1", "0.0.0.3:3"]);
    const named = backends.map((one) => ({ ...one, name: `[${one.name}/TCP,State:active]` }));
    const key = flow("10.1.0.7", 40001, "192.0.2.10", 443);
    expect(cilium.build(backends).select(key)).toBe(cilium.build(named, { key: "name" }).select(key));
  });
});

describe("envoy", () => {
  const keys = [90, 91, 92, 93, 94, 95].map((port) => `127.0.0.1:${port}`);
  const weights = [1, 1, 1, 1, 1, 1];
  it("fills maglev_lb_test.cc's table (@e7495d26)", () => {
    expect([...envoyMaglevTable(7, keys, weights).table]).toEqual([2, 4, 0, 1, 5, 0, 3]);
  });
  it("lays ring_hash_lb_test.cc's ring (@39a8cf0e)", () => {
    const ring = envoyHashRing(keys, weights, { minimum: 12, maximum: 8388608, hash: "xxhash" });
    const points = Array.from({ length: ring.size }, (_, at) => [
      ring.read(at, new Word64()).toBigInt(),
      ring.backends[at],
    ]);
    expect(points).toEqual([
      [833437586790550860n, 4],
      [928266305478181108n, 2],
      [1033482794131418490n, 0],
      [3551244743356806947n, 5],
      [3851675632748031481n, 3],
      [5583722120771150861n, 1],
      [6311230543546372928n, 1],
      [7700377290971790572n, 3],
      [13144177310400110813n, 5],
      [13444792449719432967n, 2],
      [15516499411664133160n, 4],
      [16117243373044804889n, 0],
    ]);
    const found = [0n, 18446744073709551615n, 3551244743356806947n, 3551244743356806948n, 16117243373044804880n];
    expect(found.map((hash) => ring.backends[ring.find(Word64.of(hash))])).toEqual([4, 4, 5, 3, 0]);
  });
});

describe("glb-director", () => {
  it("orders a row as tests/test_rendezvous_table.py (@a62d37ea)", () => {
    const hosts = [1, 2, 3, 4].map((n) => bytesOf(`1.1.1.${n}`));
    const table = new GlbTable(fromHex("49a3d861d661ae5ab06ed9326871a2f5"), hosts);
    expect(table.rowSeed(0).toBigInt()).toBe(0x37c8f42da7531c49n);
    expect(table.order(0)).toEqual([
      { host: 3, score: 0x6f022ce1ea607e16n },
      { host: 2, score: 0x705425e3e522989bn },
      { host: 1, score: 0x8b1ddec5575c8634n },
      { host: 0, score: 0xe47127dd8fe077den },
    ]);
    expect([table.primary(0), table.secondary(0)]).toEqual([3, 2]);
  });

  const backends = backendsOf(["1.2.3.4:80", "2.3.4.5:80", "3.4.5.6:80"]);
  it.each([
    [["src"], 45678, ["3.4.5.6:80", "2.3.4.5:80"]],
    [["src"], 45679, ["3.4.5.6:80", "2.3.4.5:80"]],
    [["src"], 45680, ["3.4.5.6:80", "2.3.4.5:80"]],
    [["src", "src-port"], 45678, ["1.2.3.4:80", "2.3.4.5:80"]],
    [["src", "src-port"], 45679, ["1.2.3.4:80", "3.4.5.6:80"]],
    [["src", "src-port"], 45680, ["2.3.4.5:80", "3.4.5.6:80"]],
  ])("routes by %j from port %i as tests/test_director_hash_fields.py", (fields, port, expected) => {
    const selection = glb.build(backends, { fields });
    const key = flow("10.11.12.13", port, "1.1.1.1", 80);
    const { primary, secondary } = selection.route(key);
    expect([primary, secondary].map((index) => backends[index]?.name)).toEqual(expected);
    expect(selection.select(key)).toBe(primary);
  });

  it("swaps the two where the primary drains", () => {
    const draining = backends.map((one) => (one.name === "3.4.5.6:80" ? { ...one, weight: 0 } : one));
    const { primary, secondary, isSwapped } = glb.build(draining).route(flow("10.11.12.13", 45678, "1.1.1.1", 80));
    expect([primary, secondary, isSwapped]).toEqual([1, 2, true]);
  });

  it("refuses keys of another length", () => {
    expect(() => sipKey(new Uint8Array(8))).toThrow("16 bytes");
  });
});

const CILIUM_RUNS = [
  "2(5),3(1),2(3),1(1),2(2),0(1),2(1),3(1),2(1),3(1),2(1),1(1),2(7),1(1),2(14),3(1),2(1),1(2),2(12),3(1)",
  "2(3),1(1),2(4),3(1),2(8),3(1),2(2),1(1),2(16),1(2),2(3),3(1),2(11),1(2),2(4),3(1),2(3),1(1),2(4),3(1)",
  "2(1),0(1),1(1),2(8),1(1),2(7),1(1),2(4),3(1),2(1),3(1),2(9),1(2),2(5),1(1),2(7),3(1),2(1),3(1),1(1)",
  "2(8),1(1),2(4),0(1),2(1),1(1),2(5),3(1),2(3),1(1),2(4),3(1),2(3),1(1),2(12),0(1),3(1),2(3),3(1),2(4)",
  "3(1),2(2),1(1),2(7)",
].join();
