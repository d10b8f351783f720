import type { FindingWish } from "../diagnose/chosen-findings.ts";
import type { Severity } from "../diagnose/finding.ts";
import { DETECTORS } from "../diagnose/registry.ts";
import { EXPLANATIONS } from "./explanations/explanations.ts";

/** Which findings a user wants to hear of: ids, or prefixes such as `path.*`. */
export interface FindingChoice {
  only?: readonly string[] | undefined;
  ignore?: readonly string[] | undefined;
}

/** A choice as the diagnosis takes it; null where all is to be told. */
export function wishOf({ only = [], ignore = [] }: FindingChoice): FindingWish | null {
  if (only.length === 0 && ignore.length === 0) return null;
  return {
    isIgnored: (id) => ignore.some((pattern) => isMatch(pattern, id)),
    isWanted: only.length === 0 ? null : (id) => only.some((pattern) => isMatch(pattern, id)),
  };
}

/** Whether a finding is asked for; what is ignored is not, even where `only` names it. */
export function isChosen(id: string, { only, ignore }: FindingChoice): boolean {
  const isNamed = (patterns: readonly string[]) => patterns.some((pattern) => isMatch(pattern, id));
  if (ignore !== undefined && isNamed(ignore)) return false;
  return only === undefined || only.length === 0 || isNamed(only);
}

/** Why a choice makes no sense, in a line; null where it does. */
export function objectionTo(choice: FindingChoice): string | null {
  for (const flag of ["only", "ignore"] as const) {
    const unknown = choice[flag]?.find((pattern) => !knownIds().some((id) => isMatch(pattern, id)));
    if (unknown !== undefined) return `--${flag} ${unknown}: no such finding; l4scope explain lists them`;
  }
  return null;
}

/** Every id that can be reported. */
export function knownIds(): string[] {
  return [...new Set([...Object.keys(EXPLANATIONS), ...DETECTORS.flatMap(({ ids }) => ids)])];
}

/** Whether a severity reaches a limit. */
export function isAsBadAs(severity: Severity, limit: "warning" | "critical"): boolean {
  return severity === "critical" || severity === limit;
}

function isMatch(pattern: string, id: string): boolean {
  return pattern.endsWith("*") ? id.startsWith(pattern.slice(0, -1)) : pattern === id;
}

/** The ids that detectors look for. */
export function detectorIds(): string[] {
  return [...new Set(DETECTORS.flatMap(({ ids }) => ids))];
}
