/** The value at a quantile (0 to 1) of ascending numbers, the nearest rank; NaN of none. */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!;
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** ln of the gamma function for x > 0 (Lanczos, g = 7: relative error below 1e-13). */
export function logGamma(x: number): number {
  const coefficients = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + 7.5;
  let sum = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) sum += coefficients[i]! / (shifted + i);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Upper tail of the chi-square distribution: the p-value of a statistic with so many degrees of freedom. */
export function chiSquareTail(statistic: number, degrees: number): number {
  if (degrees <= 0 || !(statistic > 0)) return 1;
  return 1 - regularizedGamma(degrees / 2, statistic / 2);
}

/** Lower regularized incomplete gamma function P(a, x): series below a + 1, continued fraction above. */
function regularizedGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const scale = Math.exp(-x + a * Math.log(x) - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 1000; n++) {
      term *= x / (a + n);
      sum += term;
      if (term < sum * 1e-15) break;
    }
    return Math.min(1, sum * scale);
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < 1000; n++) {
    const an = -n * (n - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < 1e-300) d = 1e-300;
    c = b + an / c;
    if (Math.abs(c) < 1e-300) c = 1e-300;
    d = 1 / d;
    const factor = d * c;
    h *= factor;
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return Math.max(0, 1 - scale * h);
}

/**
 * Fisher's exact test, one-sided: the probability that, with these totals, the first group has `a` or more of the
 * events. `a` of `n1` in the first group, `b` of `n2` in the second.
 */
export function fisherTail(a: number, n1: number, b: number, n2: number): number {
  const events = a + b;
  const all = n1 + n2;
  const logChoose = (n: number, k: number) => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  const whole = logChoose(all, events);
  let sum = 0;
  for (let k = a; k <= Math.min(events, n1); k++) {
    if (events - k > n2) continue;
    const term = Math.exp(logChoose(n1, k) + logChoose(n2, events - k) - whole);
    sum += term;
    if (term < sum * 1e-12) break;
  }
  return Math.min(1, sum);
}
