import { describe, expect, it } from "vitest";
import { longestPresence } from "../../src/balance/presence.ts";
import { skewOf } from "../../src/balance/skew.ts";
import { seeded } from "../support/seeded.ts";

/** Members by the letters of a text, a flow each second. */
const given = (text: string) => [...text].map((member, start) => ({ start, member }));

describe("the time in which members stay the same", () => {
  it("is all of it where each is there", () => {
    expect(longestPresence(given("abcacbbcaacbabc"))).toMatchObject({ from: 0, to: 14 });
  });

  it("begins with the member that came later", () => {
    const { from, to, members } = longestPresence(given(`${"ab".repeat(10)}${"abc".repeat(20)}`));
    expect([from, to, members.size]).toEqual([22, 79, 3]);
  });

  it("is all of it where a rare member merely was not first", () => {
    expect(longestPresence(given(`${"a".repeat(12)}b${"a".repeat(12)}`)).members.size).toBe(2);
  });
});

describe("members' shares", () => {
  const random = (count: number, seed: number, pick: (x: number, i: number) => string) => {
    const next = seeded(seed);
    return given(Array.from({ length: count }, (_, i) => pick(next(), i)).join(""));
  };

  it("are uneven where one gets six times the weight, in every run", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const skew = skewOf(
        random(90, seed, (x) => (x < 0.75 ? "a" : x < 0.875 ? "b" : "c")),
        1.4,
      );
      expect(skew?.worst, `seed ${seed}`).toBe("a");
    }
  });

  it("are even where chance gives them, and where the third came half-way: hardly ever called uneven", () => {
    let alarms = 0;
    for (let seed = 1; seed <= 1000; seed++) {
      const even = random(90, seed, (x) => "abc"[Math.floor(x * 3)]!);
      const later = random(120, seed, (x, i) => "abc"[Math.floor(x * (i < 60 ? 2 : 3))]!);
      for (const flows of [even, later]) if (skewOf(flows, 1.4)) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(2);
  });

  it("are as they should be by their weights", () => {
    const flows = random(200, 5, (x) => (x < 0.75 ? "a" : "b"));
    expect(skewOf(flows, 1.4)?.worst).toBe("a");
    expect(skewOf(flows, 1.4, (member) => (member === "a" ? 3 : 1))).toBeNull();
  });
});
