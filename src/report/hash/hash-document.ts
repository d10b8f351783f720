import type { HashBackend } from "../../balance/selection/selection.ts";
import type { ShareStatistics } from "../../balance/shares.ts";
import { totalWeight } from "../../balance/what-if/pool-change.ts";
import type { BackendDocument, HashDocument, MethodDocument, SkewDocument } from "./hash-contract.ts";
import type {
  ExplainAnswer,
  ExplainReport,
  GrowthReport,
  HashReport,
  MethodAnswer,
  ShareAnswer,
  ShareReport,
} from "./hash-report.ts";
import { keyText } from "./key-text.ts";
import { plainOptions } from "./method-list.ts";
import type { KeySet } from "./question.ts";
import type { Candidate } from "./recognition.ts";

/** How a method shares keys, and what a change of the backends does. */
export function shareDocument(report: ShareReport): HashDocument {
  const { pool, keys, answers } = report;
  return {
    ...headOf(report),
    keys: keysOf(keys),
    change: changeOf(report, report.ecmp, keys.keys.length),
    growth: null,
    connection: null,
    recognised: recognisedOf(report.candidates),
    methods: answers.map((one) => methodOf(one, (answer) => sharesOf(pool.backends, answer))),
  };
}

/** How methods fare while a set grows. */
export function growthDocument(report: GrowthReport): HashDocument {
  const { keys, from, to, answers } = report;
  return {
    ...headOf(report),
    keys: keysOf(keys),
    change: null,
    growth: { from, to },
    connection: null,
    recognised: null,
    methods: answers.map((one) =>
      methodOf(one, (steps) => ({
        growth: steps.map(({ backends, skew, movedShare, idealShare }) => ({
          backends,
          skew: skewOf(skew),
          movedShare,
          idealMovedShare: idealShare,
        })),
      })),
    ),
  };
}

/** Where one connection goes. */
export function explainDocument(report: ExplainReport): HashDocument {
  return {
    ...headOf(report),
    keys: null,
    change: changeOf(report, null, 0),
    growth: null,
    connection: keyText(report.connection),
    recognised: null,
    methods: report.answers.map((one) => methodOf(one, explainedOf)),
  };
}

function headOf({
  pool,
}: HashReport<unknown>): Pick<HashDocument, "schema" | "vip" | "protocol" | "source" | "backends"> {
  const { vip, protocol, source, backends } = pool;
  return { schema: "l4scope.hash/1", vip, protocol, source, backends: backendsOf(backends) };
}

function backendsOf(backends: readonly HashBackend[]): BackendDocument[] {
  const total = totalWeight(backends);
  return backends.map(({ name, weight }) => ({
    backend: name,
    weight,
    expectedShare: total === 0 ? 0 : weight / total,
  }));
}

function keysOf({ source, kind, seed, clients, keys }: KeySet): HashDocument["keys"] {
  return { source, kind, seed, clients, count: keys.length };
}

function changeOf(
  { change, changed }: HashReport<unknown>,
  ecmp: ShareReport["ecmp"],
  keys: number,
): HashDocument["change"] {
  if (change === null || changed === null) return null;
  const { add, remove, drain, reweigh } = change;
  return {
    add: add.map(({ name }) => name),
    remove,
    drain,
    reweigh: reweigh.map(({ name, weight }) => ({ backend: name, weight })),
    backends: backendsOf(changed.after),
    idealMovedShare: changed.idealShare,
    ecmp: ecmp && { from: ecmp.from, to: ecmp.to, method: ecmp.method, movedShare: part(ecmp.rerouted, keys) },
  };
}

function recognisedOf([best]: readonly Candidate[]): HashDocument["recognised"] {
  if (!best?.agrees) return null;
  const { label, known, same, chance } = best;
  return { method: label, known, same, chance };
}

const UNASKED = {
  shares: null,
  unserved: null,
  skew: null,
  agreement: null,
  change: null,
  growth: null,
  explained: null,
} as const;

function methodOf<Answer>(
  { chosen, answer, refusal }: MethodAnswer<Answer>,
  toDocument: (answer: Answer) => Partial<MethodDocument>,
): MethodDocument {
  const { method, options } = chosen;
  return {
    method: method.id,
    summary: method.summary,
    options: plainOptions({ ...method.defaults, ...options }),
    refusal,
    ...UNASKED,
    ...(refusal === null ? toDocument(answer) : {}),
  };
}

function sharesOf(
  backends: readonly HashBackend[],
  { spread, agreement, effect }: ShareAnswer,
): Partial<MethodDocument> {
  const { counts, unserved, skew } = spread;
  const served = spread.choices.length - unserved;
  return {
    shares: backendsOf(backends).map(({ backend, expectedShare }, index) => ({
      backend,
      keys: counts[index]!,
      share: part(counts[index]!, served),
      expectedShare,
    })),
    unserved,
    skew: skewOf(skew),
    agreement,
    change: effect && {
      established: effect.established,
      moved: effect.moved,
      movedShare: part(effect.moved, effect.established),
      broken: effect.broken,
      lost: effect.lost,
      turnedAway: effect.turnedAway,
    },
  };
}

function explainedOf({ backend, steps, afterwards }: ExplainAnswer): Partial<MethodDocument> {
  return { explained: { backend, steps, afterChange: afterwards } };
}

function skewOf(skew: ShareStatistics | null): SkewDocument | null {
  if (skew === null) return null;
  const { maxOverExpected, coefficientOfVariation, jain, chiSquare, pValue } = skew;
  return { maxOverExpected, coefficientOfVariation, jain, chiSquare, pValue };
}

function part(count: number, whole: number): number {
  return whole === 0 ? 0 : count / whole;
}
