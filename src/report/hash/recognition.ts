import type { FlowKey } from "../../balance/selection/selection.ts";
import { choicesOf } from "../../balance/what-if/spread.ts";
import type { ChosenMethod } from "./method-choice.ts";
import { optionText } from "./method-choice.ts";
import type { KeySet, Pool } from "./question.ts";

/** A method, with what is set of it, held against the backends that captured connections went to. */
export interface Candidate {
  /** `ipvs-mh port=true`. */
  label: string;
  /** Of `known` connections whose backend is seen, how many it would have sent there. */
  same: number;
  known: number;
  /** Whether it sends all there, but for some that were sent before a change or by persistence. */
  agrees: boolean;
  /** Chance that one of all that was tried agrees so without being in use. */
  chance: number;
}

/** Chance below which an agreement is none. */
const UNLIKELY = 0.001;
/** Of the connections, how many must go where a method sends them. */
const AGREES = 0.98;
/** More connections tell no more. */
const MOST_KEYS = 5000;

/** Other settings in common use, by the option's name; booleans are tried both ways. */
const ALTERNATIVES: Readonly<Record<string, readonly unknown[]>> = {
  policy: [1],
  order: ["as-given"],
};
const FIELDS: readonly (readonly string[])[] = [
  ["src"],
  ["src", "src-port"],
  ["src", "dst"],
  ["src", "dst", "src-port", "dst-port"],
];

/** Whether a candidate is the method in use beyond doubt. */
export function isSure({ agrees, chance }: Candidate): boolean {
  return agrees && chance < UNLIKELY;
}

/**
 * Looks for the method that a balancer uses: those asked for and, of each, settings in common use. The best first;
 * nothing where no connection's backend is seen.
 */
export function recognise({ backends }: Pool, { keys, seen }: KeySet, methods: readonly ChosenMethod[]): Candidate[] {
  if (seen === null) return [];
  const shown: number[] = [];
  for (let key = 0; key < seen.length && shown.length < MOST_KEYS; key++) if (seen[key]! >= 0) shown.push(key);
  if (shown.length === 0) return [];
  const told = shown.map((key) => keys[key]!);
  const target = shown.map((key) => seen[key]!);
  const variants = methods.flatMap(variantsOf);
  const candidates: Candidate[] = [];
  for (const { method, options, label } of variants) {
    const choices = choicesOrNone(() => choicesOf(method.build(backends, options), told));
    if (choices === null) continue;
    const same = target.reduce((sum, backend, i) => sum + (choices[i] === backend ? 1 : 0), 0);
    const agrees = same >= told.length * AGREES;
    const chance = agrees ? Math.min(1, chanceOf(told, target, choices) * variants.length) : 1;
    candidates.push({ label, same, known: told.length, agrees, chance });
  }
  // of several that agree alike the first is the plainest: variants come behind
  return candidates.sort((a, b) => b.same - a.same);
}

/** A method as it is set, then with one or two of its options otherwise. */
function variantsOf({ method, options, label }: ChosenMethod): ChosenMethod[] {
  const changes: Record<string, unknown>[] = [];
  for (const [name, value] of Object.entries(method.defaults)) {
    if (name in options) continue;
    if (typeof value === "boolean") changes.push({ [name]: !value });
    const others = name === "fields" ? FIELDS.filter((fields) => fields.join() !== String(value)) : ALTERNATIVES[name];
    for (const other of others ?? []) changes.push({ [name]: other });
  }
  const pairs = changes.flatMap((one, i) =>
    changes.slice(i + 1).flatMap((other) => {
      const isSameOption = Object.keys(one)[0] === Object.keys(other)[0];
      return isSameOption ? [] : [{ ...one, ...other }];
    }),
  );
  return [{}, ...changes, ...pairs].map((change) => ({
    method,
    options: { ...options, ...change },
    label: [label, ...Object.entries(change).map(optionText)].join(" "),
  }));
}

/**
 * Chance that a method which knows nothing of the balancer's meets the same backend every time. Connections of one
 * client are one case where the method sends them all to the same.
 */
function chanceOf(keys: readonly FlowKey[], target: readonly number[], choices: Int32Array): number {
  const counts = new Map<number, number>();
  for (const backend of target) counts.set(backend, (counts.get(backend) ?? 0) + 1);
  const meeting = [...counts.values()].reduce((sum, count) => sum + (count / target.length) ** 2, 0);
  const clients = new Set(keys.map(({ src }) => src.join("."))).size;
  const cases = new Set(keys.map(({ src }, i) => `${src.join(".")} ${choices[i]}`)).size;
  return meeting ** (cases === clients ? clients : keys.length);
}

function choicesOrNone(choose: () => Int32Array): Int32Array | null {
  try {
    return choose();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
