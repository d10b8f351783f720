import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareStatistics } from "../../src/balance/shares.ts";

describe("share statistics", () => {
  it("calls even counts even", () => {
    const even = shareStatistics([50, 50, 50]);
    expect(even).toMatchObject({
      total: 150,
      maxOverExpected: 1,
      coefficientOfVariation: 0,
      jain: 1,
      chiSquare: 0,
      pValue: 1,
    });
  });

  it("judges against weights where they are given", () => {
    expect(shareStatistics([80, 10, 10], [8, 1, 1]).chiSquare).toBe(0);
    const uneven = shareStatistics([80, 10, 10]);
    expect(uneven.worst).toBe(0);
    expect(uneven.maxOverExpected).toBeCloseTo(2.4, 12);
    expect(uneven.pValue).toBeLessThan(1e-9);
  });

  it("keeps Jain's index between 1/n and 1", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 2, maxLength: 20 }), (counts) => {
        fc.pre(counts.some((count) => count > 0));
        const { jain, pValue } = shareStatistics(counts);
        expect(jain).toBeGreaterThanOrEqual(1 / counts.length - 1e-9);
        expect(jain).toBeLessThanOrEqual(1 + 1e-9);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
      }),
    );
  });
});
