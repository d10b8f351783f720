import type { FlowKey, Selection, SelectionStep } from "../../balance/selection/selection.ts";
import { type ChangeEffect, changeEffect } from "../../balance/what-if/change-effect.ts";
import { type EcmpChange, reroutedFlows } from "../../balance/what-if/ecmp-tier.ts";
import { type GrowthStep, growthOf } from "../../balance/what-if/growth.ts";
import { type ChangedPool, changePool, type PoolChange } from "../../balance/what-if/pool-change.ts";
import { selectionAfter } from "../../balance/what-if/running-balancer.ts";
import { hasSecondChance, secondChances } from "../../balance/what-if/second-chance.ts";
import { choicesOf, type Spread, spreadOf } from "../../balance/what-if/spread.ts";
import type { ChosenMethod } from "./method-choice.ts";
import type { KeySet, Pool } from "./question.ts";
import { QuestionError } from "./question-error.ts";
import { type Candidate, recognise } from "./recognition.ts";

/** What `hash` is asked, understood. */
export interface HashQuestion {
  pool: Pool;
  methods: readonly ChosenMethod[];
  change: PoolChange | null;
}

/** Answers of every method, in the order they were asked for. */
export interface HashReport<Answer> {
  pool: Pool;
  /** The change that was asked about, and the pool after it; null where none was. */
  change: PoolChange | null;
  changed: ChangedPool | null;
  answers: readonly MethodAnswer<Answer>[];
}

/** A method's answer, or why its balancer would not take such backends or options. */
export type MethodAnswer<Answer> = { chosen: ChosenMethod } & (
  | { answer: Answer; refusal: null }
  | { answer: null; refusal: string }
);

/** How a method shares keys, and what the change does. */
export interface ShareAnswer {
  spread: Spread;
  /** Of the connections whose backend a capture shows, how many it would have sent there, too; null without such. */
  agreement: { known: number; same: number } | null;
  effect: ChangeEffect | null;
}

export interface ShareReport extends HashReport<ShareAnswer> {
  keys: KeySet;
  /** The load balancers' own number changes with it; null where none was told. */
  ecmp: { from: number; to: number; method: string; rerouted: number } | null;
  /** What the balancer of a capture may use, the likeliest first; empty without a capture. */
  candidates: readonly Candidate[];
}

/** @throws QuestionError where no method can answer */
export function shareReport(
  { pool, methods, change }: HashQuestion,
  keys: KeySet,
  ecmp: { change: EcmpChange; label: string } | null,
): ShareReport {
  const changed = change === null ? null : changePool(pool.backends, change);
  const isRerouted = ecmp === null ? undefined : reroutedFlows(keys.keys, ecmp.change);
  const answers = answersOf(methods, ({ method, options }): ShareAnswer => {
    const spread = spreadOf(method.build(pool.backends, options), pool.backends, keys.keys);
    const agreement = agreementOf(keys, spread.choices);
    if (changed === null) return { spread, agreement, effect: null };
    const selection = selectionAfter(method, options, changed);
    const after = choicesOf(selection, keys.keys);
    const pairs = hasSecondChance(selection) ? secondChances(selection, keys.keys) : undefined;
    const effect = changeEffect({ pool: changed, before: spread.choices, after, isRerouted, pairs });
    return { spread, agreement, effect };
  });
  const candidates = recognise(pool, keys, methods);
  return { pool, change, changed, keys, answers, candidates, ecmp: ecmp && ecmpFigures(ecmp, isRerouted) };
}

function ecmpFigures(
  { change: { from, to }, label }: { change: EcmpChange; label: string },
  isRerouted: Uint8Array | undefined,
): ShareReport["ecmp"] {
  return { from, to, method: label, rerouted: isRerouted?.reduce((sum, one) => sum + one, 0) ?? 0 };
}

export interface GrowthReport extends HashReport<readonly GrowthStep[]> {
  keys: KeySet;
  from: number;
  to: number;
}

/**
 * @param range how many of the pool's backends take part at first, and at last
 * @throws QuestionError where no method can answer
 */
export function growthReport(
  { pool, methods }: HashQuestion,
  keys: KeySet,
  range: { from: number; to: number },
): GrowthReport {
  const { backends } = pool;
  const answers = answersOf(methods, ({ method, options }) =>
    growthOf(method, options, { backends, ...range }, keys.keys),
  );
  return { pool, change: null, changed: null, keys, answers, ...range };
}

/** Where a method sends one connection, and how it comes to that. */
export interface ExplainAnswer {
  /** Name of the backend; null where it finds none. */
  backend: string | null;
  steps: readonly SelectionStep[];
  /** After the change; null where none was asked about. */
  afterwards: { backend: string | null; steps: readonly SelectionStep[] } | null;
}

export interface ExplainReport extends HashReport<ExplainAnswer> {
  connection: FlowKey;
}

/** @throws QuestionError where no method can answer */
export function explainReport({ pool, methods, change }: HashQuestion, connection: FlowKey): ExplainReport {
  const changed = change === null ? null : changePool(pool.backends, change);
  const answers = answersOf(methods, ({ method, options }): ExplainAnswer => {
    const explain = (selection: Selection, backends: Pool["backends"]) => {
      const { backend, steps } = selection.explain(connection);
      return { backend: backends[backend]?.name ?? null, steps };
    };
    const before = explain(method.build(pool.backends, options), pool.backends);
    if (changed === null) return { ...before, afterwards: null };
    return { ...before, afterwards: explain(selectionAfter(method, options, changed), changed.after) };
  });
  return { pool, change, changed, answers, connection };
}

function answersOf<Answer>(
  methods: readonly ChosenMethod[],
  answer: (chosen: ChosenMethod) => Answer,
): MethodAnswer<Answer>[] {
  const answers = methods.map((chosen): MethodAnswer<Answer> => {
    try {
      return { chosen, answer: answer(chosen), refusal: null };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { chosen, answer: null, refusal: error.message };
    }
  });
  const [first] = answers;
  if (first?.refusal != null && answers.every(({ refusal }) => refusal !== null)) {
    throw new QuestionError(`${first.chosen.label}: ${first.refusal}`);
  }
  return answers;
}

function agreementOf({ seen }: KeySet, choices: Int32Array): ShareAnswer["agreement"] {
  if (seen === null) return null;
  let [known, same] = [0, 0];
  seen.forEach((backend, key) => {
    if (backend < 0) return;
    known++;
    if (choices[key] === backend) same++;
  });
  return known === 0 ? null : { known, same };
}
