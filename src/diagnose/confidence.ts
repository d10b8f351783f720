/**
 * Confidence from a number of independent cases: few say little, however clear each is.
 * One case gives half of `most`, three about 0.8 of it, ten 0.95.
 */
export function confidenceFrom(cases: number, most = 0.98): number {
  return Math.round(most * (1 - 0.5 ** (0.35 + 0.65 * cases ** 0.75)) * 100) / 100;
}

/** A share as people read it: `12%`, `3.4%`, `<0.1%`. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "0%";
  const share = (100 * part) / whole;
  if (share > 0 && share < 0.1) return "<0.1%";
  return `${share >= 10 ? Math.round(share) : share.toFixed(1)}%`;
}

/** A duration in ns as people read it. */
export function duration(nanoseconds: number): string {
  const seconds = nanoseconds / 1e9;
  if (seconds >= 100) return `${Math.round(seconds)} s`;
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  if (seconds >= 0.01) return `${Math.round(seconds * 1000)} ms`;
  if (seconds >= 0.0001) return `${(seconds * 1000).toFixed(1)} ms`;
  return `${Math.round(seconds * 1e6)} µs`;
}

/** `1 connection`, `2 connections`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
