import { chiSquareTail, logGamma } from "./statistics.ts";

/** So many of so many; effective counts need not be whole. */
export interface Counted {
  events: number;
  trials: number;
}

export type CountTest = "fisher" | "chi-square";

/** Expected counts below this are Fisher's exact test's. */
const LEAST_EXPECTED = 10;

/**
 * Chance that two equal proportions differ as much as these, two-sided. Fisher's exact test where an expected count is
 * small (then counts are rounded), else the chi-square of the 2x2 table, which is the two-proportion test squared.
 */
export function compareProportions(a: Counted, b: Counted): { test: CountTest; pValue: number } {
  const trials = a.trials + b.trials;
  const events = a.events + b.events;
  const least = (Math.min(a.trials, b.trials) * Math.min(events, trials - events)) / trials;
  if (!(least >= LEAST_EXPECTED)) {
    const whole = ({ events, trials }: Counted): [number, number] => {
      const rounded = Math.round(trials);
      return [Math.min(rounded, Math.round(events)), rounded];
    };
    return { test: "fisher", pValue: fisherTwoSided(...whole(a), ...whole(b)) };
  }
  const cross = a.events * (b.trials - b.events) - b.events * (a.trials - a.events);
  const statistic = (trials * cross ** 2) / (a.trials * b.trials * events * (trials - events));
  return { test: "chi-square", pValue: chiSquareTail(statistic, 1) };
}

/**
 * Fisher's exact test, two-sided: the probability of all tables with these totals that are no likelier than this one
 * (as R's fisher.test). `a` of `n1` in the first group, `b` of `n2` in the second.
 */
export function fisherTwoSided(a: number, n1: number, b: number, n2: number): number {
  const events = a + b;
  const least = Math.max(0, events - n2);
  const most = Math.min(events, n1);
  if (least >= most) return 1;
  const logChoose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  const whole = logChoose(n1 + n2, events);
  const chanceOf = (k: number) => Math.exp(logChoose(n1, k) + logChoose(n2, events - k) - whole);
  // tables that are as likely as this one differ from it in the last digits only
  const limit = chanceOf(a) * (1 + 1e-7);
  let sum = 0;
  for (let k = least; k <= most; k++) {
    const chance = chanceOf(k);
    if (chance <= limit) sum += chance;
  }
  return Math.min(1, sum);
}

/**
 * Chance that two groups are drawn from the same shares: chi-square of a 2xk table. Columns that expect fewer than five
 * on either side are put together.
 */
export function compareShares(
  a: readonly number[],
  b: readonly number[],
): { statistic: number; degrees: number; pValue: number } {
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const ofA = sum(a);
  const ofB = sum(b);
  const rest: [number, number] = [0, 0];
  const columns: [number, number][] = [];
  for (let i = 0; i < a.length; i++) {
    const column: [number, number] = [a[i] ?? 0, b[i] ?? 0];
    const total = column[0] + column[1];
    if ((total * Math.min(ofA, ofB)) / (ofA + ofB) >= 5) columns.push(column);
    else {
      rest[0] += column[0];
      rest[1] += column[1];
    }
  }
  if (rest[0] + rest[1] > 0) columns.push(rest);
  let statistic = 0;
  for (const [countA, countB] of columns) {
    const expectedA = ((countA + countB) * ofA) / (ofA + ofB);
    const expectedB = countA + countB - expectedA;
    if (expectedA > 0) statistic += (countA - expectedA) ** 2 / expectedA;
    if (expectedB > 0) statistic += (countB - expectedB) ** 2 / expectedB;
  }
  const degrees = columns.length - 1;
  return { statistic, degrees, pValue: chiSquareTail(statistic, degrees) };
}

/**
 * Holm's step-down correction (1979): what each p-value is worth when it is one of several; at most `alpha` chance in
 * all of calling anything that is nothing, however the tests hang together.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((i, j) => (pValues[i] ?? 1) - (pValues[j] ?? 1));
  const adjusted = new Array<number>(pValues.length).fill(1);
  let least = 0;
  order.forEach((index, rank) => {
    least = Math.max(least, Math.min(1, (pValues.length - rank) * (pValues[index] ?? 1)));
    adjusted[index] = least;
  });
  return adjusted;
}

/** Chance of a Student's t beyond `t` on either side. */
export function studentTail(t: number, degrees: number): number {
  if (!(degrees > 0) || Number.isNaN(t)) return 1;
  return incompleteBeta(degrees / (degrees + t ** 2), degrees / 2, 0.5);
}

/**
 * What a p-value is worth when the variance behind it was measured on so few clusters: the same deviation as Student's t
 * instead of the normal one.
 */
export function ofFewClusters(pValue: number, degrees: number): number {
  if (!(pValue > 0) || pValue >= 1 || !(degrees >= 1)) return pValue;
  let low = 0;
  let high = 40;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (chiSquareTail(middle ** 2, 1) > pValue) low = middle;
    else high = middle;
  }
  return Math.max(pValue, studentTail(low, degrees));
}

/** Regularized incomplete beta function I_x(a, b), by its continued fraction (Lentz; DLMF 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  const nonZero = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return Math.min(1, front * fraction);
}
