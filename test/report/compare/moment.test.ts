import { describe, expect, test } from "vitest";
import { TimeBase } from "../../../src/capture/time-base.ts";
import { diffRequest, sideNames, windowsOf } from "../../../src/report/compare/diff-request.ts";
import { parseMoment, parseMomentRange, resolveMoment } from "../../../src/report/compare/moment.ts";

// 2026-11-20 23:59:50 UTC, and twenty seconds of it
const timeBase = new TimeBase(Date.UTC(2026, 10, 20, 23, 59, 50) / 1000);
const run = { start: 0.5e9, end: 20e9, timeBase };

describe("a moment", () => {
  test.each([
    ["+4.2s", 4.7e9],
    ["+4.2", 4.7e9],
    ["+250ms", 0.75e9],
    ["23:59:55", 5e9],
    ["23:59:55.25Z", 5.25e9],
    // the run goes on into the next day
    ["00:00:03", 13e9],
    ["2026-11-20T23:59:52.5Z", 2.5e9],
    ["2026-11-21 00:00:01 UTC", 11e9],
    ["2026-11-21T00:59:52+01:00", 2e9],
    [String(Date.UTC(2026, 10, 20, 23, 59, 57) / 1000), 7e9],
    [`${Date.UTC(2026, 10, 20, 23, 59, 57) / 1000}.125`, 7.125e9],
  ])("%s", (text, expected) => {
    expect(resolveMoment(parseMoment(text), run)).toBe(expected);
  });

  test("a time of day is the last there is where the newest is meant", () => {
    const days = { start: 0, end: 2.5 * 86_400e9, timeBase: new TimeBase(Date.UTC(2026, 10, 20, 10) / 1000) };
    const at = (text: string, isNewestMeant: boolean) =>
      resolveMoment(parseMoment(text), { ...days, isNewestMeant }) / 3_600e9;
    // from the 20th, 10:00 to the 22nd, 22:00
    expect([at("12:00", false), at("12:00", true)]).toEqual([2, 50]);
    expect([at("23:00", false), at("23:00", true)]).toEqual([13, 37]);
    expect(at("09:00", false)).toBe(23);
  });

  test.each(["", "noon", "25:00:00", "4.2", "14:7", "2026-13-40T00:00:00Z", "-3s"])("%j is refused", (text) => {
    expect(() => parseMoment(text)).toThrow(/^expected a time such as/);
  });

  test("ranges, either end left out", () => {
    expect(parseMomentRange("..+3s")).toEqual({ from: null, to: { kind: "offset", seconds: 3 } });
    expect(parseMomentRange("+3..").to).toBeNull();
    for (const text of ["..", "+3s", ""]) expect(() => parseMomentRange(text)).toThrow(/^expected FROM\.\.TO/);
  });
});

describe("windows", () => {
  const windows = (choice: object) => {
    const request = diffRequest({ captures: ["a.pcap"], ...choice });
    if (typeof request === "string" || request.kind !== "windows") throw new Error("no windows");
    return windowsOf(request, run, "the captures");
  };

  test("before and after a moment; the last packet is in", () => {
    expect(windows({ at: parseMoment("+9.5s") })).toEqual([
      { from: 0.5e9, to: 10e9, name: "23:59:50.500 to 00:00:00.000 UTC" },
      { from: 10e9, to: 20e9 + 1, name: "00:00:00.000 to 00:00:10.000 UTC" },
    ]);
  });

  test("two of them, or one and the rest", () => {
    const both = { beforeWindow: parseMomentRange("..+4.5"), afterWindow: parseMomentRange("+9.5..+14.5") };
    expect(windows(both)).toMatchObject([
      { from: 0.5e9, to: 5e9 },
      { from: 10e9, to: 15e9 },
    ]);
    expect(windows({ afterWindow: both.afterWindow })).toMatchObject([{ from: 0.5e9, to: 10e9 }, { from: 10e9 }]);
    expect(windows({ beforeWindow: both.beforeWindow })).toMatchObject([{ to: 5e9 }, { from: 5e9, to: 20e9 + 1 }]);
  });

  test("of a run of days are called by their dates", () => {
    const request = diffRequest({ captures: ["a.db"], at: parseMoment("+24h") });
    if (typeof request === "string" || request.kind !== "windows") throw new Error("no windows");
    expect(windowsOf(request, { start: 0, end: 2 * 86_400e9, timeBase }, "the connections")).toMatchObject([
      { name: "2026-11-20 23:59:50 to 2026-11-21 23:59:50 UTC" },
      { name: "2026-11-21 23:59:50 to 2026-11-22 23:59:50 UTC" },
    ]);
  });

  test("that are not in the captures are refused", () => {
    expect(windows({ at: parseMoment("+30") })).toBe(
      "--at 00:00:20.500 lies outside of the captures, which are from 23:59:50.500 to 00:00:10.000 UTC",
    );
    expect(windows({ beforeWindow: parseMomentRange("+8..+4") })).toMatch(/^nothing of the captures is before/);
  });
});

test("sides of captures are told apart by their folders where their files are called alike", () => {
  expect(sideNames(["a/before.pcap"], ["a/after.pcap"])).toEqual(["before.pcap", "after.pcap"]);
  expect(sideNames(["old/r.pcap", "old/lb1.pcap"], ["new/r.pcap"])).toEqual(["old/r.pcap and 1 more", "new/r.pcap"]);
  expect(sideNames(["-"], ["a.pcap"])).toEqual(["stdin", "a.pcap"]);
});
