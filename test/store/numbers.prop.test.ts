import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { epochOfNs, minuteOf, nsOfEpoch, nsOfSeconds } from "../../src/store/epoch-ns.ts";
import { TimeBuckets } from "../../src/store/time-buckets.ts";

describe("times", () => {
  test("come back as they went in, to the nanosecond", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), (ns) => {
        expect(nsOfEpoch(epochOfNs(ns))).toBe(ns);
      }),
    );
  });
  test("are read with fewer decimals, and refused where they are none", () => {
    expect(nsOfEpoch("1795180584.5")).toBe(1_795_180_584_500_000_000n);
    expect(nsOfEpoch("1795180584")).toBe(1_795_180_584_000_000_000n);
    expect(nsOfEpoch(null)).toBeNull();
    expect(() => nsOfEpoch("yesterday")).toThrow("not an epoch time");
  });
  test("as doubles are exact to the microsecond", () => {
    expect(nsOfSeconds(1_795_180_584.25)).toBe(1_795_180_584_250_000_000n);
    expect(nsOfSeconds(Number.NaN)).toBeNull();
  });
  test("lie in the minute that begins at or before them, less than a minute ago", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), (ns) => {
        const minute = minuteOf(ns);
        expect(minute % 60).toBe(0);
        const ago = ns - BigInt(minute) * 1_000_000_000n;
        expect(ago >= 0n && ago < 60_000_000_000n).toBe(true);
      }),
    );
  });
});

describe("durations by size", () => {
  const durations = fc.array(fc.double({ min: 2e-6, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 });

  test("tell quantiles to five percent", () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (seconds, share) => {
        const buckets = new TimeBuckets();
        for (const one of seconds) buckets.add(one);
        const exact = seconds.toSorted((a, b) => a - b)[Math.ceil(share * seconds.length) - 1] ?? 0;
        const told = buckets.quantile(share) ?? 0;
        expect(Math.abs(told / exact - 1)).toBeLessThan(0.05);
      }),
    );
  });

  test("add up, in whatever pieces they are counted", () => {
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        const all = new TimeBuckets();
        for (const one of [...some, ...others]) all.add(one);
        const [a, b] = [new TimeBuckets(), new TimeBuckets()];
        for (const one of some) a.add(one);
        for (const one of others) b.add(one);
        a.merge(b.text());
        expect(a.text()).toBe(all.text());
        expect(TimeBuckets.parse(all.text()).text()).toBe(all.text());
      }),
    );
  });

  test("of which there are none have no quantile", () => {
    expect(TimeBuckets.parse(null).quantile(0.5)).toBeNull();
    expect(TimeBuckets.parse(null).text()).toBeNull();
  });
});
