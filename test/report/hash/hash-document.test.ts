import { describe, expect, test } from "vitest";
import { METHODS } from "../../../src/balance/selection/methods.ts";
import type { SelectionMethod } from "../../../src/balance/selection/selection.ts";
import { modulo } from "../../balance/what-if/sample-methods.ts";
import { type Asked, ask } from "./ask.ts";
import { type HashDocumentRead, hashSchema } from "./hash-schema.ts";

const FOUR = ["10.2.0.11:8080=2", "10.2.0.12..14:8080"];

function documentOf(asked: Asked): HashDocumentRead {
  return hashSchema.parse(JSON.parse(JSON.stringify(ask(asked).document())));
}

describe("the document of hash --json", () => {
  test("shares: every connection is one backend's", () => {
    const { keys, backends, methods, change, growth, connection, recognised } = documentOf({
      backends: FOUR,
      keys: 5000,
    });
    expect(keys).toEqual({ source: "synthetic", kind: "spread", seed: 1, count: 5000, clients: 5000 });
    expect(backends.map(({ expectedShare }) => expectedShare)).toEqual([0.4, 0.2, 0.2, 0.2]);
    expect([change, growth, connection, recognised]).toEqual([null, null, null, null]);
    expect(methods.map(({ method }) => method)).toEqual(METHODS.map(({ id }) => id));
    for (const { method, shares, unserved, skew, refusal } of methods) {
      expect({ method, refusal }).toEqual({ method, refusal: null });
      expect(shares!.reduce((sum, one) => sum + one.keys, 0) + unserved!).toBe(5000);
      expect(shares!.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(skew!.jain).toBeGreaterThan(0.5);
    }
  });

  test("a change: what moves and breaks, with the router's share", () => {
    const asked = { backends: FOUR, keys: 5000, remove: ["10.2.0.12"], add: ["10.2.0.15:8080"], balancers: "4..3" };
    const { change, methods } = documentOf(asked);
    expect(change).toMatchObject({ add: ["10.2.0.15:8080"], remove: ["10.2.0.12:8080"], ecmp: { from: 4, to: 3 } });
    expect(change!.idealMovedShare).toBeCloseTo(0.2, 12);
    expect(change!.ecmp!.movedShare).toBeCloseTo(0.75, 1);
    for (const { change: effect } of methods) {
      const { stateless, connectionTable, otherBalancer, secondChance } = effect!.broken;
      expect(effect!.established).toBe(5000);
      expect(stateless).toBe(effect!.moved);
      expect(connectionTable).toBe(effect!.lost);
      expect(otherBalancer).toBeGreaterThanOrEqual(connectionTable);
      expect(otherBalancer).toBeLessThanOrEqual(stateless);
      if (secondChance !== null) expect(secondChance).toBeLessThanOrEqual(stateless);
    }
    expect(methods.filter((one) => one.change!.broken.secondChance !== null).map(({ method }) => method)).toEqual([
      "glb",
    ]);
  });

  test("growth: a step for each number of backends", () => {
    const { growth, methods, backends } = documentOf({ grow: "3..6", keys: 2000 });
    expect(growth).toEqual({ from: 3, to: 6 });
    expect(backends).toHaveLength(6);
    for (const one of methods) {
      expect(one.growth!.map((step) => step.backends)).toEqual([3, 4, 5, 6]);
      expect(one.growth!.map(({ idealMovedShare }) => idealMovedShare?.toFixed(3))).toEqual([
        undefined,
        "0.250",
        "0.200",
        "0.167",
      ]);
    }
  });

  test("one connection explained, before and after", () => {
    const asked = { backends: FOUR, explain: "10.1.0.7:40001", drain: ["10.2.0.11"] };
    const { connection, keys, methods } = documentOf(asked);
    expect(connection).toEqual({ client: "10.1.0.7:40001", vip: "192.0.2.10:443" });
    expect(keys).toBeNull();
    for (const { explained } of methods) {
      expect(explained!.backend).toMatch(/^10\.2\.0\.1[1-4]:8080$/);
      expect(explained!.afterChange).not.toBeNull();
    }
  });

  test("explains what it counts: the one connection goes where select sends it", () => {
    const client = "10.1.0.1:32768";
    const shares = documentOf({ backends: FOUR, keys: 1, sources: "sequential" }).methods;
    const explained = documentOf({ backends: FOUR, explain: client }).methods;
    for (const [index, { explained: one }] of explained.entries()) {
      expect(shares[index]!.shares!.find(({ keys }) => keys === 1)?.backend).toBe(one!.backend);
    }
  });

  test("a method that refuses says why, and the others answer; alone it is an error", () => {
    const of: SelectionMethod[] = [modulo, { ...modulo, id: "other" }];
    const asked = { of, backends: FOUR, keys: 10, methods: ["modulo-sample:salt=13", "other"] };
    const [refused, other] = documentOf(asked).methods;
    expect(refused).toMatchObject({ refusal: "salt 13: not taken", shares: null, skew: null });
    expect(other!.refusal).toBeNull();
    expect(() => ask({ ...asked, methods: ["modulo-sample:salt=13"] })).toThrow("modulo-sample: salt 13: not taken");
  });
});

test.each<[Asked, string]>([
  [{}, "no backends: give --backend, --topology, --import or --capture (or --grow FROM..TO)"],
  [{ backends: FOUR, balancers: "4..3" }, "--balancers goes with a change of backends"],
  [{ backends: FOUR, balancers: "4..4", drain: ["10.2.0.11"] }, "--balancers 4..4: that changes nothing"],
  [{ backends: FOUR, balancers: "4..3", ecmp: "modul", drain: ["10.2.0.11"] }, "no method modul; did you mean modulo?"],
  [{ grow: "3..5", drain: ["10.2.0.11"] }, "--grow adds one backend after another; ask for other changes without it"],
  [{ backends: FOUR, explain: "10.1.0.7:1", keys: 5 }, "--explain is of one connection, and --keys is of many"],
  [{ backends: FOUR, explain: "10.1.0.7:1", grow: "3..5" }, "--explain is of one connection, and --grow is of many"],
  [{ backends: FOUR, explain: "here" }, "here: expected ADDRESS:PORT, such as 10.1.0.7:40001"],
  [{ backends: FOUR, explain: "[2001:db8::1]:5" }, "one is IPv4, the other IPv6; name the VIP with --to"],
  [{ backends: FOUR, explain: "10.1.0.7:1", isVipMadeUp: true }, "whom does it call? --to ADDRESS:PORT"],
  [{ backends: ["10.2.0.11:80", "10.2.0.11:80"] }, "backend 10.2.0.11:80 is given twice"],
  [
    { backends: FOUR, keys: 2_000_000, sources: "nat" },
    "16 clients have source ports for 1,032,192 connections, not 2,000,000",
  ],
])("%j makes no sense, and that is said", (asked, message) => expect(() => ask(asked)).toThrow(message));
