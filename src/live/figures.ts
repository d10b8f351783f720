import { shareStatistics } from "../balance/shares.ts";
import type { LiveBalance, LiveRates, PerWindow, ResetsBy, WindowName } from "./live-model.ts";
import { WINDOW_SECONDS } from "./live-model.ts";
import * as R from "./rate-ring.ts";

/** A clock of rates: seconds since the base, now and at the session's first packet. */
export interface RateClock {
  now: number;
  begun: number;
}

export const WINDOWS = Object.keys(WINDOW_SECONDS) as WindowName[];

export function perWindow<Figures>(of: (seconds: number, window: WindowName) => Figures): PerWindow<Figures> {
  return { "10s": of(10, "10s"), "1m": of(60, "1m"), "15m": of(900, "15m") };
}

/** What happened in each window; `ring` null of what nothing is counted of. */
export function ratesOf(ring: R.RateRing | null, { now, begun }: RateClock): PerWindow<LiveRates> {
  return perWindow((windowSeconds) => {
    // a session that is younger than the window has filled only a part of it
    const seconds = Math.min(windowSeconds, Math.max(1, now - begun));
    const sum = (field: number) => ring?.sum(now, windowSeconds, field) ?? 0;
    const connect = ring?.connect(now, windowSeconds) ?? { p50: Number.NaN, p99: Number.NaN, samples: 0 };
    const by = R.RESET_AUTHORS.map((author, i) => [author, sum(R.RESETS_BY + i)] as const);
    const connections = sum(R.OPENED);
    return {
      connectionsPerSecond: connections / seconds,
      bitsPerSecond: { up: (sum(R.BYTES_UP) * 8) / seconds, down: (sum(R.BYTES_DOWN) * 8) / seconds },
      packetsPerSecond: { up: sum(R.PACKETS_UP) / seconds, down: sum(R.PACKETS_DOWN) / seconds },
      resetsPerSecond: sum(R.RESETS) / seconds,
      resetsBy: Object.fromEntries(by) as unknown as ResetsBy,
      refused: sum(R.REFUSED),
      timeouts: sum(R.TIMEOUTS),
      retransmitsPerSecond: sum(R.RETRANSMITS) / seconds,
      connectP50: connect.p50,
      connectP99: connect.p99,
      connectSamples: connect.samples,
      connections,
    };
  });
}

/**
 * How evenly a window's connections were shared.
 * @param expected shares; NaN where none is known: then even
 */
export function balanceOf(counts: readonly number[], expected: readonly number[]): LiveBalance {
  const isGiven = expected.every((share) => share >= 0) && expected.some((share) => share > 0);
  const weights = isGiven ? expected : counts.map(() => 1);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const even = { shares: counts.map(() => 0), expected: weights.map((weight) => weight / weightSum) };
  if (total === 0 || counts.length < 2) return { ...even, skew: Number.NaN, pValue: Number.NaN, samples: total };
  const statistics = shareStatistics(counts, weights);
  return {
    shares: counts.map((count) => count / total),
    expected: even.expected,
    skew: statistics.maxOverExpected - 1,
    pValue: statistics.pValue,
    samples: total,
  };
}
