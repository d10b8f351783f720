import { deflate, designEffect } from "../balance/clusters.ts";
import { logRank, type WatchedLife } from "../balance/log-rank.ts";
import { type Counted, compareProportions } from "../balance/two-samples.ts";
import type { Measure } from "./comparison.ts";
import {
  ALPHA,
  LEAST_FAILURE_DIFFERENCE,
  LEAST_RETRANSMIT_DIFFERENCE,
  LEAST_RETRANSMIT_RATIO,
  MUCH_MORE,
} from "./limits.ts";
import { byClient, type Draft, only, type Pair } from "./pair.ts";
import type { ConnectionSample } from "./side.ts";
import { sourceOf } from "./source.ts";

/** How many of a pair's connections met something; null where none did on either side. */
export function compareEvents(
  pair: Pair,
  measure: Measure,
  isEvent: (one: ConnectionSample) => boolean,
  detail: string | null = null,
): Draft | null {
  const before = countOf(pair.before, isEvent);
  const after = countOf(pair.after, isEvent);
  if (before.events + after.events === 0 || before.trials === 0 || after.trials === 0) return null;
  const one = (sample: ConnectionSample) => ({ events: isEvent(sample) ? 1 : 0, trials: 1 });
  const effects = effectsOf([byClient(pair.before, one)], [byClient(pair.after, one)]);
  const difference = after.events / after.trials - before.events / before.trials;
  return {
    kind: "count",
    measure,
    subject: pair.subject,
    detail,
    before,
    after,
    difference,
    ...compareProportions(deflate(before, effects.before), deflate(after, effects.after)),
    designEffect: Math.max(effects.before, effects.after),
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
  const effects = effectsOf(
    [byClient(whole.before, of), whole.before.map(of)],
    [byClient(whole.after, of), whole.after.map(of)],
  );
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
    ...compareProportions(deflate(before, effects.before), deflate(after, effects.after)),
    designEffect: Math.max(effects.before, effects.after),
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
 * The design effect of each side: the largest of several ways of clustering. A side on which nothing happened, or has
 * too few clients, varies as the other does, as far as can be known.
 */
function effectsOf(
  before: readonly (readonly Counted[])[],
  after: readonly (readonly Counted[])[],
): { before: number; after: number } {
  const known = (ways: typeof before) => ways.map(designEffect).filter((effect) => !Number.isNaN(effect));
  const ofBefore = known(before);
  const ofAfter = known(after);
  return {
    before: Math.max(1, ...(ofBefore.length > 0 ? ofBefore : ofAfter)),
    after: Math.max(1, ...(ofAfter.length > 0 ? ofAfter : ofBefore)),
  };
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
