import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONNECT, OPENED, RateRing } from "../../src/live/rate-ring.ts";
import { SeriesRing } from "../../src/live/series-ring.ts";

describe("rates over time", () => {
  it("a window holds what happened in it, whenever the base was", () => {
    const events = fc.array(fc.integer({ min: 0, max: 1200 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(events, fc.integer({ min: -100_000, max: 8_000_000 }), (unsorted, base) => {
        const seconds = unsorted.toSorted((a, b) => a - b).map((second) => base + second);
        const ring = new RateRing();
        for (const second of seconds) ring.add(second + 0.5, OPENED, 1);
        const now = seconds.at(-1)! + 0.9;
        const within = (window: number) => seconds.filter((second) => second > Math.floor(now) - window).length;
        expect(ring.sum(now, 10, OPENED)).toBe(within(10));
        expect(ring.sum(now, 60, OPENED)).toBe(within(60));
        // whole slots of ten seconds
        expect(ring.sum(now, 900, OPENED)).toBeLessThanOrEqual(within(900));
        expect(ring.sum(now, 900, OPENED)).toBeGreaterThanOrEqual(within(890));
      }),
    );
  });

  it("what is spread over a time is neither more nor less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 }), (from, length) => {
        const ring = new RateRing();
        ring.spread(from, from + length, OPENED, 1000);
        expect(ring.sum(from + length, 60, OPENED)).toBeCloseTo(1000, 1);
        expect(ring.sum(from + length, 900, OPENED)).toBeCloseTo(1000, 1);
      }),
    );
  });

  it("quantiles of connect times are right to a fifth", () => {
    const ring = new RateRing();
    for (let i = 1; i <= 1000; i++) ring.addConnect(5, i / 1000);
    const { p50, p99, samples } = ring.connect(5, 10);
    expect(samples).toBe(1000);
    expect(Math.abs(p50 / 0.5 - 1)).toBeLessThan(0.25);
    expect(Math.abs(p99 / 0.99 - 1)).toBeLessThan(0.25);
    expect(ring.sum(5, 10, CONNECT)).toBe(0);
    expect(ring.connect(100, 10).p50).toBeNaN();
  });
});

it("a chart's seconds are those asked for, and what was before them is gone", () => {
  const ring = new SeriesRing();
  for (let second = -50; second < 2000; second++) ring.add(second, "opened", second);
  ring.add(10, "opened", 1e9);
  ring.addConnect(1999, 0.5);
  const series = ring.read(1999.5, -50, 1000);
  expect(series.opened).toHaveLength(900);
  expect([series.from, series.opened[0], series.opened.at(-1), series.connectP50.at(-1)]).toEqual([
    2100, 1100, 1999, 0.5,
  ]);
  expect(ring.read(1101, 1100, 0).opened).toEqual([1100, 1101]);
});
