import type { TimeBase } from "../capture/time-base.ts";

/** Epoch time of ns since the run's base as the contract prints it, null for what has no time. */
export function epochOf(time: number, timeBase: TimeBase): string | null {
  return Number.isFinite(time) ? timeBase.toEpoch(time) : null;
}

/** Seconds of ns; null for what was not seen, and for what clocks make negative. */
export function secondsOf(nanoseconds: number): number | null {
  return nanoseconds >= 0 ? nanoseconds / 1e9 : null;
}
