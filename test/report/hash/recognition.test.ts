import { expect, test } from "vitest";
import { METHODS } from "../../../src/balance/selection/methods.ts";
import { choicesOf } from "../../../src/balance/what-if/spread.ts";
import { syntheticKeys } from "../../../src/balance/what-if/synthetic-keys.ts";
import { flagPool, parseBackendFlags } from "../../../src/report/hash/flag-pool.ts";
import { chooseMethods } from "../../../src/report/hash/method-choice.ts";
import type { KeySet } from "../../../src/report/hash/question.ts";
import { isSure, recognise } from "../../../src/report/hash/recognition.ts";

const POOL = flagPool(parseBackendFlags(["10.2.0.11..13:8080"]), "192.0.2.10:443");
const ALL = chooseMethods(METHODS, { methods: [], options: [], isCompared: false });

/** Connections as a balancer would have sent them, of which some are not seen and the first few went elsewhere. */
function captured(setting: string, { count = 400, clients = 40, wrong = 0, unseen = 0 }): KeySet {
  const [used] = chooseMethods(METHODS, { methods: [setting], options: [], isCompared: false });
  const vip = { address: Uint8Array.of(192, 0, 2, 10), port: 443 };
  const keys = syntheticKeys({ kind: "spread", keys: count, clients, seed: 11, protocol: 6, vip });
  const choices = choicesOf(used!.method.build(POOL.backends, used!.options), keys);
  const seen = choices.map((choice, i) => (i < wrong ? (choice + 1) % 3 : i < wrong + unseen ? -1 : choice));
  return { source: "capture", kind: null, seed: null, clients, keys, seen };
}

test.each([
  ["ipvs-mh", "ipvs-mh"],
  ["ipvs-mh:port=yes", "ipvs-mh port=true"],
  ["ipvs-sh:port=yes,order=as-given", "ipvs-sh port=true order=as-given"],
  ["linux-ecmp:policy=1,seed=0", "linux-ecmp policy=1"],
  ["glb:fields=src+src-port", "glb fields=src+src-port"],
  ["cilium", "cilium"],
])("%s is recognised", (setting, label) => {
  const [best] = recognise(POOL, captured(setting, { wrong: 4, unseen: 50 }), ALL);
  expect(best).toMatchObject({ label, known: 350, same: 346, agrees: true });
  expect(isSure(best!)).toBe(true);
});

test("few clients are no proof of a method that hashes nothing else", () => {
  const [best] = recognise(POOL, captured("ipvs-sh", { clients: 5 }), ALL);
  expect(best).toMatchObject({ agrees: true, same: 400 });
  expect(best!.chance).toBeGreaterThan(0.001);
  expect(isSure(best!)).toBe(false);
  // where the port is hashed, every connection is a case of its own
  expect(isSure(recognise(POOL, captured("ipvs-sh:port=yes", { clients: 5 }), ALL)[0]!)).toBe(true);
});

test("a method that is not known agrees with none, and one backend alone proves nothing", () => {
  const unknown = captured("cilium:seed=AAAAAAAAAAAAAAAA", {});
  expect(recognise(POOL, unknown, ALL)[0]).toMatchObject({ agrees: false, chance: 1 });
  const all = { ...unknown, seen: new Int32Array(400) };
  const one = { ...POOL, backends: POOL.backends.slice(0, 1) };
  expect(recognise(one, all, ALL).filter(isSure)).toEqual([]);
});

test("without a backend seen there is nothing to recognise", () => {
  expect(recognise(POOL, { ...captured("cilium", {}), seen: new Int32Array(400).fill(-1) }, ALL)).toEqual([]);
  expect(recognise(POOL, { ...captured("cilium", {}), seen: null }, ALL)).toEqual([]);
});
