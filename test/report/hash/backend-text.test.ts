import { describe, expect, test } from "vitest";
import { nameOf, parseBackends, parseReweigh } from "../../../src/report/hash/backend-text.ts";
import { parseChange } from "../../../src/report/hash/change-wish.ts";
import { filledUp, parseGrowth } from "../../../src/report/hash/made-up-backends.ts";
import { parseRange } from "../../../src/report/hash/number-range.ts";

const shown = (text: string) => parseBackends(text).map(({ name, weight }) => `${name}=${weight}`);
const THREE = parseBackends("10.2.0.11..13:8080");
const NOTHING = { add: [], remove: [], drain: [], reweigh: [] };

describe("backends as they are typed", () => {
  test.each([
    ["10.2.0.11:8080", ["10.2.0.11:8080=1"]],
    ["10.2.0.11:8080=0", ["10.2.0.11:8080=0"]],
    ["[2001:DB8::0011]:8080=65535", ["[2001:db8::11]:8080=65535"]],
    ["10.2.0.254..10.2.1.1:80=2", ["10.2.0.254:80=2", "10.2.0.255:80=2", "10.2.1.0:80=2", "10.2.1.1:80=2"]],
    ["10.2.0.9..9:80", ["10.2.0.9:80=1"]],
  ])("%s", (text, backends) => expect(shown(text)).toEqual(backends));

  test("addresses are bytes in network order", () => {
    expect(parseBackends("200.2.0.11:8080")[0]).toMatchObject({ address: Uint8Array.of(200, 2, 0, 11), port: 8080 });
    const [v6] = parseBackends("[2001:db8::11]:80");
    expect([...v6!.address]).toEqual([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11]);
  });

  test.each([
    ["web1:80", "web1:80: expected ADDRESS:PORT, ADDRESS:PORT=WEIGHT or a range such as 10.2.0.11..20:8080"],
    ["10.2.0.11", "10.2.0.11: expected ADDRESS:PORT"],
    ["10.2.0.11:80=much", "10.2.0.11:80=much: a weight is a whole number from 0 to 65535"],
    ["10.2.0.11:80=65536", "a weight is a whole number"],
    ["10.2.0.11:80=-1", "a weight is a whole number"],
    ["10.2.0.20..11:80", "10.2.0.20..11:80: the range ends before it begins"],
    ["10.2.0.1..256:80", "10.2.0.1..256:80: expected ADDRESS:PORT"],
    ["10.2.0.1..2:99999", "10.2.0.1..2:99999: expected ADDRESS:PORT"],
    ["10.2.0.1..10.9.0.1:80", "458753 backends; a range has 4096 at most"],
  ])("%s is refused", (text, message) => expect(() => parseBackends(text)).toThrow(message));
});

describe("a backend that is there", () => {
  test("by its endpoint, or its address where that is enough", () => {
    expect(nameOf("10.2.0.12:8080", THREE)).toBe("10.2.0.12:8080");
    expect(nameOf("10.2.0.12", THREE)).toBe("10.2.0.12:8080");
    expect(parseReweigh("10.2.0.12=7", THREE)).toEqual({ name: "10.2.0.12:8080", weight: 7 });
  });
  test("one that is not is answered with those that are near", () => {
    expect(() => nameOf("10.2.0.14:8080", THREE)).toThrow(
      "no backend 10.2.0.14:8080; did you mean 10.2.0.11:8080 or 10.2.0.12:8080 or 10.2.0.13:8080?",
    );
    expect(() => nameOf("web", THREE)).toThrow("no backend web; there are 10.2.0.11:8080, 10.2.0.12:8080, 10.2.0.13");
    expect(() => nameOf("10.2.0.12", parseBackends("10.2.0.12:80").concat(parseBackends("10.2.0.12:81")))).toThrow(
      "no backend 10.2.0.12; did you mean",
    );
    expect(() => parseReweigh("10.2.0.12", THREE)).toThrow("10.2.0.12: expected ADDRESS:PORT=WEIGHT");
  });
});

describe("changes as they are typed", () => {
  test("are read against the backends", () => {
    const wish = { add: ["10.2.0.14..15:8080=2"], remove: ["10.2.0.11"], drain: ["10.2.0.12:8080"], reweigh: [] };
    const change = parseChange(wish, THREE);
    expect(change).toMatchObject({ remove: ["10.2.0.11:8080"], drain: ["10.2.0.12:8080"], reweigh: [] });
    expect(change?.add.map(({ name, weight }) => `${name}=${weight}`)).toEqual([
      "10.2.0.14:8080=2",
      "10.2.0.15:8080=2",
    ]);
    expect(parseChange(NOTHING, THREE)).toBeNull();
  });
  test.each([
    [{ add: ["10.2.0.12:8080"] }, "backend 10.2.0.12:8080 is given twice"],
    [{ drain: ["10.2.0.12"], remove: ["10.2.0.12"] }, "two changes of 10.2.0.12:8080: one at a time"],
    [{ reweigh: ["10.2.0.12=1", "10.2.0.12=2"] }, "two changes of 10.2.0.12:8080"],
  ])("%j is refused", (wish, message) => {
    expect(() => parseChange({ ...NOTHING, ...wish }, THREE)).toThrow(message);
  });
});

test("numbers from and to", () => {
  expect(parseRange("--balancers", "4..3", 1, 10)).toEqual({ from: 4, to: 3 });
  for (const text of ["4", "4..", "4..11", "0..3", "a..b", "4...5"]) {
    expect(() => parseRange("--balancers", text, 1, 10)).toThrow(
      `--balancers ${text}: expected two numbers from 1 to 10, such as 10..20`,
    );
  }
  expect(() => parseGrowth("20..10")).toThrow("--grow 20..10: the second number must be the larger");
});

test("a set that grows is filled up with backends that are not there yet", () => {
  const filled = filledUp(parseBackends("10.2.0.1:8080=3"), 4);
  expect(filled.map(({ name, weight }) => `${name}=${weight}`)).toEqual([
    "10.2.0.1:8080=3",
    "10.2.0.2:8080=1",
    "10.2.0.3:8080=1",
    "10.2.0.4:8080=1",
  ]);
  expect(new Set(filledUp([], 600).map(({ name }) => name)).size).toBe(600);
});
