import { deflate, designEffect, effectiveClusters } from "../balance/clusters.ts";
import { logRank, type WatchedLife } from "../balance/log-rank.ts";
import { type Counted, type CountTest, compareProportions, ofFewClusters } from "../balance/two-samples.ts";
import type { Measure } from "./comparison.ts";
import {
  ALPHA,
  LEAST_FAILURE_DIFFERENCE,
  LEAST_RETRANSMIT_DIFFERENCE,
  LEAST_RETRANSMIT_RATIO,
  MIN_CLIENTS,
  MUCH_MORE,
} from "./limits.ts";
import { byClient, type Draft, only, type Pair } from "./pair.ts";
import type { ConnectionSample } from "./side.ts";
import { sourceOf } from "./source.ts";

/**
 * How many of a pair's connections met something; null where none did on either side.
 *
 * @param leastEffect of a part of a VIP: the design effect of the VIP itself, for parts have few clients
 */
export function compareEvents(
  pair: Pair,
  measure: Measure,
  isEvent: (one: ConnectionSample) => boolean,
  { detail = null, leastEffect = 1 }: { detail?: string | null; leastEffect?: number } = {},
): Draft | null {
  const before = countOf(pair.before, isEvent);
  const after = countOf(pair.after, isEvent);
  if (before.events + after.events === 0 || before.trials === 0 || after.trials === 0) return null;
  const one = (sample: ConnectionSample) => ({ events: isEvent(sample) ? 1 : 0, trials: 1 });
  const effect = effectOf(byClient(pair.before, one), byClient(pair.after, one), leastEffect);
  const difference = after.events / after.trials - before.events / before.trials;
  return {
    kind: "count",
    measure,
    subject: pair.subject,
    detail,
    before,
    after,
    difference,
    ...compareClustered(before, after, effect),
    source: sourceOf(pair, isEvent, difference),
    matters: Math.abs(difference) >= LEAST_FAILURE_DIFFERENCE,
    explanation: isExplainedByWatching(pair, isEvent) ? "watched-longer" : null,
  };
}

/** Packets sent again, of all; null where there are none, or none of the connections can be told apart. */
export function compareRetransmits(pair: Pair): Draft | null {
  const of = ({ traffic }: ConnectionSample): Counted => ({
    events: traffic?.retransmits ?? 0,
    // what came again counts as a packet, whatever the point missed of it
    trials: Math.max(traffic?.packets ?? 0, traffic?.retransmits ?? 0),
  });
  const whole = only(pair, pair.subject, ({ traffic }) => traffic !== null);
  const before = sum(whole.before.map(of));
  const after = sum(whole.after.map(of));
  if (before.events + after.events === 0 || before.trials === 0 || after.trials === 0) return null;
  const effect = effectOf(byClient(whole.before, of), byClient(whole.after, of), 1, [
    whole.before.map(of),
    whole.after.map(of),
  ]);
  const shares = [before.events / before.trials, after.events / after.trials] as const;
  const difference = shares[1] - shares[0];
  return {
    kind: "count",
    measure: "retransmits",
    subject: pair.subject,
    detail: null,
    before,
    after,
    difference,
    ...compareClustered(before, after, effect),
    source: null,
    matters:
      Math.abs(difference) >= LEAST_RETRANSMIT_DIFFERENCE &&
      Math.max(...shares) >= Math.min(...shares) * LEAST_RETRANSMIT_RATIO,
    explanation: null,
  };
}

export function countOf(
  connections: readonly ConnectionSample[],
  isEvent: (one: ConnectionSample) => boolean,
): { events: number; trials: number } {
  return { events: connections.filter(isEvent).length, trials: connections.length };
}

function sum(counts: readonly Counted[]): Counted {
  const total = { events: 0, trials: 0 };
  for (const { events, trials } of counts) {
    total.events += events;
    total.trials += trials;
  }
  return total;
}

/**
 * How much more counts vary than if each were drawn alone: the largest design effect of either side and any way of
 * clustering. Where clients are too few to show it, they are no sample of clients: the same ones on both sides are
 * compared with themselves, other ones count once each.
 */
function effectOf(
  before: ClientCounts,
  after: ClientCounts,
  leastEffect = 1,
  otherWays: readonly (readonly Counted[])[] = [],
): ClusterEffect {
  const degrees = [before, after].reduce(
    (total, counts) => total + effectiveClusters([...counts.values()].map(({ trials }) => trials)) - 1,
    0,
  );
  return { effect: Math.max(leastEffect, knownEffect(before, after, otherWays)), degrees };
}

function knownEffect(before: ClientCounts, after: ClientCounts, otherWays: readonly (readonly Counted[])[]): number {
  const ways = [[...before.values()], [...after.values()], ...otherWays];
  const known = ways.map(designEffect).filter((effect) => !Number.isNaN(effect));
  if (known.length > 0) return Math.max(...known);
  if (Math.min(before.size, after.size) >= MIN_CLIENTS || isSameClients(before, after)) return 1;
  const perClient = (counts: ClientCounts) => sum([...counts.values()]).trials / counts.size;
  return Math.max(1, perClient(before), perClient(after));
}

/** How much more counts vary, and how many clusters, less one a side, that was measured on. */
export interface ClusterEffect {
  effect: number;
  degrees: number;
}

/** Compares counts that vary more than if each were drawn alone. */
export function compareClustered(
  before: Counted,
  after: Counted,
  { effect, degrees }: ClusterEffect,
): { test: CountTest; pValue: number; designEffect: number } {
  const { test, pValue } = compareProportions(deflate(before, effect), deflate(after, effect));
  return { test, pValue: effect > 1 ? ofFewClusters(pValue, degrees) : pValue, designEffect: effect };
}

type ClientCounts = ReadonlyMap<string, Counted>;

/** Most of either side are of clients that the other side has. */
function isSameClients(before: ClientCounts, after: ClientCounts): boolean {
  const shared = (own: ClientCounts, other: ClientCounts) =>
    sum([...own].flatMap(([client, counts]) => (other.has(client) ? [counts] : []))).trials * 2 >=
    sum([...own.values()]).trials;
  return shared(before, after) && shared(after, before);
}

/** One side watched its connections for longer, and at the same age as many of them met it on both. */
function isExplainedByWatching(pair: Pair, isEvent: (one: ConnectionSample) => boolean): boolean {
  const mean = (connections: readonly ConnectionSample[]) =>
    connections.reduce((total, { watchedSeconds }) => total + watchedSeconds, 0) / connections.length;
  const [before, after] = [mean(pair.before), mean(pair.after)];
  if (Math.max(before, after) <= Math.min(before, after) * MUCH_MORE) return false;
  const lives = (connections: readonly ConnectionSample[]) =>
    connections.flatMap((one): WatchedLife[] => {
      if (one.entryAge === null) return [];
      return [{ entry: one.entryAge, exit: one.entryAge + one.watchedSeconds, isEvent: isEvent(one) }];
    });
  return logRank(lives(pair.before), lives(pair.after)).pValue > ALPHA;
}
