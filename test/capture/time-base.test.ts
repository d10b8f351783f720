import { describe, expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";

describe("epoch times", () => {
  it("have nine decimals, on either side of the base", () => {
    const base = new TimeBase(1_790_000_000);
    expect(base.toEpoch(0)).toBe("1790000000.000000000");
    expect(base.toEpoch(1)).toBe("1790000000.000000001");
    expect(base.toEpoch(-1)).toBe("1789999999.999999999");
    expect(base.toEpoch(1.5e9)).toBe("1790000001.500000000");
  });

  it("may lie before 1970", () => {
    expect(new TimeBase(0).toEpoch(-1_500_000_000)).toBe("-1.500000000");
  });

  it("are exact to the nanosecond up to 104 days from the base, and to the microsecond for centuries", () => {
    const base = new TimeBase(1_000_000_000);
    expect(base.toEpoch(104 * 86_400e9 + 1)).toBe(`${1_000_000_000 + 104 * 86_400}.000000001`);
    const years = 600_000_000;
    expect(base.toEpoch(years * 1e9 + 795_247_000)).toBe("1600000000.795247000");
  });
});
