import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AddressWords } from "../../src/flow/leg-view.ts";
import { endpointText } from "../../src/path/endpoints.ts";
import {
  formatBytes,
  formatCount,
  formatDate,
  formatNumberOf,
  formatSeconds,
  formatShare,
} from "../../src/report/format-quantity.ts";
import { addressText } from "../../src/topology/address.ts";

const v4 = (a: number, b: number, c: number, d: number): AddressWords => [
  0,
  0,
  0xffff,
  (a << 24) | (b << 16) | (c << 8) | d,
];
const v6 = (...parts: number[]): AddressWords => {
  const word = (i: number) => ((parts[2 * i] ?? 0) << 16) | (parts[2 * i + 1] ?? 0);
  return [word(0), word(1), word(2), word(3)];
};

describe("addresses", () => {
  test.each<[AddressWords, string]>([
    [v4(192, 0, 2, 10), "192.0.2.10"],
    [v4(255, 255, 255, 255), "255.255.255.255"],
    // RFC 5952 4.1: no leading zeros; 4.2.1: :: as long as can be; 4.2.2: not for one group; 4.2.3: the first of equals
    [v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), "2001:db8::1"],
    [v6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), "2001:db8:0:1:1:1:1:1"],
    [v6(0x2001, 0, 0, 1, 0, 0, 0, 1), "2001:0:0:1::1"],
    [v6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), "2001:db8::1:0:0:1"],
    [v6(0, 0, 0, 0, 0, 0, 0, 0), "::"],
    [v6(0xfe80, 0, 0, 0, 0xabcd, 0xef01, 0x2345, 0x6789), "fe80::abcd:ef01:2345:6789"],
  ])("%j is %s", (words, text) => expect(addressText(words)).toBe(text));

  test("endpoints", () => {
    expect(endpointText(v4(10, 1, 0, 1), 443)).toBe("10.1.0.1:443");
    expect(endpointText(v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 65535)).toBe("[2001:db8::1]:65535");
  });
});

test("counts", () => {
  expect([0, 999, 1000, 61_204, 1_234_567].map(formatCount)).toEqual(["0", "999", "1,000", "61,204", "1,234,567"]);
  expect([formatNumberOf(1, "leg"), formatNumberOf(1200, "leg")]).toEqual(["1 leg", "1,200 legs"]);
});

test("bytes", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [517, "517 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [12_345, "12.3 kB"],
    [999_499, "999 kB"],
    [999_600, "1.00 MB"],
    [1.09e9, "1.09 GB"],
    [5e18, "5000 PB"],
  ];
  for (const [bytes, text] of cases) expect(formatBytes(bytes)).toBe(text);
});

test("durations", () => {
  const cases: [number, string][] = [
    [Number.NaN, "-"],
    [0, "0 s"],
    [250e-9, "250 ns"],
    [41e-6, "41 µs"],
    [99.6e-6, "0.10 ms"],
    [0.00021, "0.21 ms"],
    [0.0123, "12.3 ms"],
    [0.1234, "123 ms"],
    [0.99951, "1.00 s"],
    [1.03, "1.03 s"],
    [59.96, "60.0 s"],
    [99.96, "1 min 40 s"],
    [125, "2 min 05 s"],
    [3599.6, "1 h 00 min"],
    [12_000, "3 h 20 min"],
    [90_000, "1 d 01 h"],
    [-0.002, "-2.00 ms"],
  ];
  for (const [seconds, text] of cases) expect(formatSeconds(seconds)).toBe(text);
});

test("a duration takes three digits at most, in any unit", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 99, noNaN: true }), (seconds) => {
      expect(formatSeconds(seconds)).toMatch(/^(\d{1,3}|\d\.\d\d|\d\d\.\d) (ns|µs|ms|s)$/);
    }),
  );
});

describe("shares", () => {
  test("say what the size of the whole deserves", () => {
    expect([formatShare(1, 3), formatShare(11, 19), formatShare(1, 300), formatShare(72, 176)]).toEqual([
      "33%",
      "58%",
      "0.3%",
      "40.9%",
    ]);
  });
  test("never take something for nothing, or a part for all", () => {
    expect([formatShare(0, 9), formatShare(1, 99), formatShare(98.9, 99), formatShare(1, 1e6)]).toEqual([
      "0%",
      "1%",
      "99%",
      "<0.1%",
    ]);
    expect([formatShare(999_999, 1e6), formatShare(5, 5), formatShare(0, 0)]).toEqual([">99.9%", "100%", "-"]);
  });
});

test("dates are UTC", () => {
  expect(formatDate("1767225600.999999999")).toBe("2026-01-01 00:00:00 UTC");
  expect(formatDate("0.000000000")).toBe("1970-01-01 00:00:00 UTC");
  expect(formatDate("99999999999999.0")).toBe("99999999999999.0 s");
});
