import { describe, expect, it } from "vitest";
import { chiSquareTail, fisherTail, logGamma, median, quantile } from "../../src/balance/statistics.ts";

describe("chi-square tail", () => {
  // Critical values as every table of the distribution prints them.
  it.each([
    [3.841, 1, 0.05],
    [6.635, 1, 0.01],
    [5.991, 2, 0.05],
    [11.345, 3, 0.01],
    [18.307, 10, 0.05],
    [124.342, 100, 0.05],
  ])("of %f with %i degrees of freedom is %f", (statistic, degrees, p) => {
    expect(chiSquareTail(statistic, degrees)).toBeCloseTo(p, 4);
  });

  it("is 1 for a perfect fit and never leaves 0 to 1", () => {
    expect(chiSquareTail(0, 3)).toBe(1);
    expect(chiSquareTail(1e6, 3)).toBeGreaterThanOrEqual(0);
    expect(chiSquareTail(1e6, 3)).toBeLessThan(1e-12);
  });
});

describe("Fisher's exact test", () => {
  it("gives the tea-tasting lady's chance: 1 in 70 for four of four", () => {
    expect(fisherTail(4, 4, 0, 4)).toBeCloseTo(1 / 70, 12);
    expect(fisherTail(3, 4, 1, 4)).toBeCloseTo(17 / 70, 12);
  });

  it("is certain where nothing is asked", () => {
    expect(fisherTail(0, 10, 5, 10)).toBeCloseTo(1, 9);
  });
});

describe("order statistics", () => {
  it("takes the nearest rank", () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(quantile([1, 2, 3, 4], 0.99)).toBe(4);
    expect(quantile([], 0.5)).toBeNaN();
    expect(median([9, 1, 5])).toBe(5);
  });

  it("knows the gamma function at whole numbers", () => {
    expect(logGamma(1)).toBeCloseTo(0, 12);
    expect(logGamma(6)).toBeCloseTo(Math.log(120), 10);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 10);
  });
});
