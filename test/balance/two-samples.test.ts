import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deflate, designEffect, designEffectOfShares, effectiveClusters } from "../../src/balance/clusters.ts";
import { logRank, type WatchedLife } from "../../src/balance/log-rank.ts";
import { compareRanks } from "../../src/balance/rank-test.ts";
import {
  compareProportions,
  compareShares,
  fisherTwoSided,
  holm,
  ofFewClusters,
  studentTail,
} from "../../src/balance/two-samples.ts";

describe("Fisher's exact test, two-sided, as R's fisher.test", () => {
  test.each([
    // Fisher's tea drinker, Agresti (1990) p. 61
    ["tea drinker", 3, 4, 1, 4, 0.4857143],
    // Fisher (1962), criminal like-sex twins: 2 of 17 dizygotic, 10 of 13 monozygotic
    ["convictions", 2, 17, 10, 13, 0.0005367],
  ])("%s", (_, a, n1, b, n2, p) => {
    expect(fisherTwoSided(a, n1, b, n2)).toBeCloseTo(p, 7);
  });
});

test("chi-square of a 2x3 table: party and gender, Agresti (2007) p. 39, as R's chisq.test", () => {
  const { statistic, degrees, pValue } = compareShares([762, 327, 468], [484, 239, 477]);
  expect(statistic).toBeCloseTo(30.07, 2);
  expect(degrees).toBe(2);
  expect(pValue).toBeCloseTo(2.954e-7, 10);
});

test("columns too thin for chi-square are put together", () => {
  const { degrees } = compareShares([50, 50, 2, 1, 1], [48, 52, 1, 2, 1]);
  expect(degrees).toBe(2);
});

test("two proportions: small counts are Fisher's, large ones the two-proportion test's", () => {
  expect(compareProportions({ events: 2, trials: 17 }, { events: 10, trials: 13 }).test).toBe("fisher");
  const large = compareProportions({ events: 60, trials: 1000 }, { events: 100, trials: 1000 });
  // z = -3.2969, NIST/SEMATECH 7.3.3: pooled variance
  expect(large.test).toBe("chi-square");
  expect(large.pValue).toBeCloseTo(0.000978, 5);
  expect(compareProportions({ events: 0, trials: 0 }, { events: 5, trials: 9 }).pValue).toBe(1);
});

test.each([
  [2.228, 10, 0.05],
  [2.576, 1e6, 0.01],
  [12.706, 1, 0.05],
  [-3.169, 10, 0.01],
])("Student's t %d with %d degrees, from the tables", (t, degrees, p) => {
  expect(studentTail(t, degrees)).toBeCloseTo(p, 4);
});

test("a deviation of 1.96 is rarer than it seems where ten degrees are behind it", () => {
  // P(|t10| > 1.96) of the tables
  expect(ofFewClusters(0.05, 10)).toBeCloseTo(0.0784, 3);
  expect(ofFewClusters(0.05, 1e7)).toBeCloseTo(0.05, 5);
  expect([ofFewClusters(1, 3), ofFewClusters(0, 3), ofFewClusters(0.2, 0)]).toEqual([1, 0, 0.2]);
});

test("Holm (1979): each of several p-values", () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((expected, i) => {
    expect(adjusted[i]).toBeCloseTo(expected, 12);
  });
  expect(holm([])).toEqual([]);
});

describe("Brunner and Munzel's rank test", () => {
  const alone = (values: number[]) => ({ values: Float64Array.from(values), clusters: [] });

  test("pain scores after surgery, Brunner and Munzel (2000), as R's lawstat and SciPy", () => {
    const y = alone([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]);
    const n = alone([3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]);
    const { superiority, pValue } = compareRanks(y, n);
    expect(superiority).toBeCloseTo(0.788961, 6);
    expect(pValue).toBeCloseTo(0.005786208666, 9);
  });

  test("samples that do not overlap at all: the chance of that among their orders", () => {
    const { superiority, pValue } = compareRanks(alone([1, 2, 3]), alone([4, 5, 6]));
    expect(superiority).toBe(1);
    expect(pValue).toBeCloseTo(2 / 20, 12);
  });

  test("a few slow clients are no proof that everything is slower", () => {
    // 10 clients with 20 equal values each: what counts is 10 against 10
    const sample = (shift: number) => {
      const values = Array.from({ length: 200 }, (_, i) => (Math.floor(i / 20) * 7 + shift) % 11);
      return { values: Float64Array.from(values), clusters: [Int32Array.from(values, (_, i) => Math.floor(i / 20))] };
    };
    const clustered = compareRanks(sample(0), sample(4));
    const drawnAlone = compareRanks(alone([...sample(0).values]), alone([...sample(4).values]));
    expect(clustered.superiority).toBe(drawnAlone.superiority);
    expect(clustered.pValue).toBeGreaterThan(drawnAlone.pValue);
  });

  test("the other way round is the other way round; a sample against itself is nothing", () => {
    const sample = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const there = compareRanks(alone(a), alone(b));
        const back = compareRanks(alone(b), alone(a));
        expect(back.superiority).toBeCloseTo(1 - there.superiority, 9);
        expect(back.pValue).toBeCloseTo(there.pValue, 9);
        expect(compareRanks(alone(a), alone(a))).toMatchObject({ superiority: 0.5, pValue: 1 });
      }),
    );
  });
});

describe("the log-rank test", () => {
  const lives = (text: string): WatchedLife[] =>
    text.split(" ").map((word) => ({ entry: 0, exit: Number.parseInt(word, 10), isEvent: !word.endsWith("+") }));
  // Freireich et al. (1963): weeks of remission
  const treated = lives("6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+");
  const placebo = lives("1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23");

  test("6-MP and placebo: chi-square 16.79, 10.75 expected of 21", () => {
    const { excess, variance, pValue } = logRank(treated, placebo);
    expect(excess).toBeCloseTo(21 - 10.75, 2);
    expect(excess ** 2 / variance).toBeCloseTo(16.79, 2);
    expect(pValue).toBeCloseTo(4.17e-5, 6);
  });

  test("whoever enters late is at risk from then on only", () => {
    const late = [{ entry: 5, exit: 9, isEvent: false }];
    const early = [{ entry: 0, exit: 3, isEvent: true }];
    expect(logRank(early, late)).toMatchObject({ excess: 0, variance: 0, pValue: 1 });
  });

  test("how long lives are watched has no part in it", () => {
    // one in four ends at age 10; the first group is watched to age 5
    const group = (until: number) =>
      Array.from({ length: 40 }, (_, i) => {
        const isEvent = i % 4 === 0 && until >= 10;
        return { entry: 0, exit: isEvent ? 10 : until, isEvent };
      });
    expect(logRank(group(5), group(20)).pValue).toBe(1);
    expect(logRank(group(20), group(30)).pValue).toBe(1);
  });
});

describe("clusters", () => {
  const of = (events: number, trials: number) => ({ events, trials });

  test("clients of which each meets all or nothing count once each", () => {
    const clients = Array.from({ length: 20 }, (_, i) => of(i % 2 === 0 ? 10 : 0, 10));
    const effect = designEffect(clients);
    // n / (n - 1) of the 10 connections each
    expect(effect).toBeCloseTo((10 * 20) / 19, 9);
    expect(deflate(of(100, 200), effect).trials).toBeCloseTo(19, 9);
  });

  test("never below one, and unknown where there is nothing to see", () => {
    expect(designEffect(Array.from({ length: 10 }, () => of(5, 10)))).toBe(1);
    expect(designEffect([of(1, 2), of(0, 3)])).toBeNaN();
    expect(designEffect(Array.from({ length: 10 }, () => of(0, 10)))).toBeNaN();
    expect(deflate(of(3, 10), Number.NaN)).toEqual(of(3, 10));
  });

  test("of many sizes are worth fewer of one size", () => {
    expect(effectiveClusters([5, 5, 5, 5])).toBeCloseTo(4, 12);
    expect(effectiveClusters([10, 1, 1])).toBeCloseTo(144 / 102, 12);
    expect(effectiveClusters([])).toBe(0);
  });

  test("of shares: source hashing over three members", () => {
    const clients = Array.from({ length: 30 }, (_, i) => [0, 1, 2].map((member) => (member === i % 3 ? 8 : 0)));
    expect(designEffectOfShares(clients, 3)).toBeCloseTo((8 * 30) / 29, 9);
    expect(designEffectOfShares([[0, 0]], 2)).toBeNaN();
  });
});
