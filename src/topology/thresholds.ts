import type { Thresholds } from "./topology.ts";

/** Which numbers may be set, and between what: by finding id, then by the number's name. */
export type ThresholdRegistry = Readonly<Record<string, Readonly<Record<string, ThresholdRange>>>>;

export interface ThresholdRange {
  least: number;
  most: number;
}

/** What is wrong with a threshold, and where in the map of thresholds. */
export interface ThresholdProblem {
  path: readonly [finding: string] | readonly [finding: string, name: string];
  /** Whether the name is wrong, else its value. */
  isName: boolean;
  message: string;
}

/** Compares what a user set with what there is to set. */
export function checkThresholds(thresholds: Thresholds, registry: ThresholdRegistry): ThresholdProblem[] {
  const problems: ThresholdProblem[] = [];
  for (const [finding, numbers] of Object.entries(thresholds)) {
    const known = Object.hasOwn(registry, finding) ? registry[finding] : undefined;
    if (known === undefined) {
      const message = `no finding "${finding}" has thresholds; expected one of ${names(registry)}`;
      problems.push({ path: [finding], isName: true, message });
      continue;
    }
    for (const [name, value] of Object.entries(numbers)) {
      const range = Object.hasOwn(known, name) ? known[name] : undefined;
      if (range === undefined) {
        const message = `${finding} has no threshold "${name}"; expected one of ${names(known)}`;
        problems.push({ path: [finding, name], isName: true, message });
      } else if (value < range.least || value > range.most) {
        const message = `${finding}.${name}: expected a number from ${range.least} to ${range.most}, got ${value}`;
        problems.push({ path: [finding, name], isName: false, message });
      }
    }
  }
  return problems;
}

function names(record: Readonly<Record<string, unknown>>): string {
  return Object.keys(record).toSorted().join(", ");
}
