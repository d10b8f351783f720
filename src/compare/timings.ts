import { type ClusteredValues, compareRanks } from "../balance/rank-test.ts";
import { quantile } from "../balance/statistics.ts";
import type { Incomparable, TimingDifference, TimingOf } from "./comparison.ts";
import {
  LEAST_QUARTER_RATIO,
  LEAST_QUARTER_SECONDS,
  LEAST_SUPERIORITY,
  LEAST_TIMING_RATIO,
  LEAST_TIMING_SECONDS,
  MIN_TIMED_SECONDS,
  MIN_TIMINGS,
  MUCH_MORE,
} from "./limits.ts";
import type { Draft, Pair } from "./pair.ts";
import type { ConnectionSample, Timing } from "./side.ts";

/** Pieces of a side whose durations go together: a machine that is busy is so for a while. */
const PIECES = 10;

export const TIMINGS = [
  ["handshake", "handshake"],
  ["connect", "connect"],
  ["first-byte", "firstByte"],
] as const;

type TimingKey = (typeof TIMINGS)[number][1];

/** How long each side is, seconds, and how many connections each opened per second. */
export interface SidesInTime {
  durations: { before: number; after: number };
  load: { before: number; after: number };
}

interface Measured {
  seconds: number;
  sample: ConnectionSample;
}

/** The durations of a pair, measured at the same points on both sides; null where there are too few. */
export function compareTimings(
  pair: Pair,
  [measure, key]: (typeof TIMINGS)[number],
  { durations, load }: SidesInTime,
): Draft | Incomparable | null {
  const before = measured(pair.before, key);
  const after = measured(pair.after, key);
  const common = new Set([...before.keys()].filter((point) => after.has(point)));
  const sides = [before, after].map((points) => [...points].flatMap(([at, all]) => (common.has(at) ? all : [])));
  const [of, then] = sides as [Measured[], Measured[]];
  if (of.length < MIN_TIMINGS || then.length < MIN_TIMINGS) {
    const isEnough = (points: ReadonlyMap<string, Measured[]>) => total(points) >= MIN_TIMINGS;
    if (!isEnough(before) || !isEnough(after)) return null;
    const at = (points: ReadonlyMap<string, Measured[]>) => [...points.keys()].slice(0, 3).join(", ");
    return { measure, subject: pair.subject, why: `measured at ${at(before)} before, at ${at(after)} after` };
  }
  const short = Math.min(durations.before, durations.after);
  if (short < MIN_TIMED_SECONDS) {
    const why = `${short === durations.before ? "before" : "after"} is only ${short.toFixed(1)} s long`;
    return { measure, subject: pair.subject, why };
  }
  const { superiority, pValue } = compareRanks(clustered(of, durations.before), clustered(then, durations.after));
  const [first, second] = [figuresOf(of), figuresOf(then)];
  // where most take longer and the others less, neither says anything
  const isMinded = (at: TimingDifference["quantile"], ratio: number, seconds: number) =>
    (second[at] - first[at]) * (superiority - 0.5) > 0 &&
    Math.abs(second[at] - first[at]) >= seconds &&
    Math.max(first[at], second[at]) >= Math.min(first[at], second[at]) * ratio;
  const isMedian = isMinded("p50", LEAST_TIMING_RATIO, LEAST_TIMING_SECONDS);
  const isQuarter = !isMedian && isMinded("p75", LEAST_QUARTER_RATIO, LEAST_QUARTER_SECONDS);
  const at = isQuarter ? "p75" : "p50";
  const difference = second[at] - first[at];
  const ratio = load.after / load.before;
  const isByLoad = difference > 0 ? ratio > MUCH_MORE : difference < 0 && ratio < 1 / MUCH_MORE;
  return {
    kind: "timing",
    measure,
    subject: pair.subject,
    test: "brunner-munzel",
    before: first,
    after: second,
    quantile: at,
    difference,
    superiority,
    pValue,
    matters: (isMedian || isQuarter) && Math.abs(superiority - 0.5) >= LEAST_SUPERIORITY,
    explanation: isByLoad ? "load" : null,
  };
}

/** By where they were measured. */
function measured(connections: readonly ConnectionSample[], key: TimingKey): Map<string, Measured[]> {
  const points = new Map<string, Measured[]>();
  for (const sample of connections) {
    const timing: Timing | null = sample.isNew ? sample[key] : null;
    if (timing === null) continue;
    const list = points.get(timing.point);
    if (list) list.push({ seconds: timing.seconds, sample });
    else points.set(timing.point, [{ seconds: timing.seconds, sample }]);
  }
  return points;
}

function total(points: ReadonlyMap<string, Measured[]>): number {
  return [...points.values()].reduce((count, { length }) => count + length, 0);
}

/** With what goes together: a client's durations, and those of one while. */
function clustered(all: readonly Measured[], durationSeconds: number): ClusteredValues {
  const clients = new Map<string, number>();
  const byClient = Int32Array.from(all, ({ sample: { client } }) => {
    const known = clients.get(client);
    if (known !== undefined) return known;
    clients.set(client, clients.size);
    return clients.size - 1;
  });
  const byTime = Int32Array.from(all, ({ sample: { openedAt } }) =>
    durationSeconds > 0 ? Math.floor((openedAt / durationSeconds) * PIECES) : 0,
  );
  return { values: Float64Array.from(all, ({ seconds }) => seconds), clusters: [byClient, byTime] };
}

function figuresOf(all: readonly Measured[]): TimingOf {
  const sorted = all.map(({ seconds }) => seconds).sort((a, b) => a - b);
  return {
    count: sorted.length,
    p50: quantile(sorted, 0.5),
    p75: quantile(sorted, 0.75),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
  };
}
