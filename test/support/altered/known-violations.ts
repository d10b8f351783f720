import type { Violation, ViolationKind } from "./violations.ts";

/** What stays wrong, and why: KNOWN_ISSUES.md says it to users. */
interface Known {
  kind: ViolationKind;
  what?: RegExp;
  scenario?: RegExp;
  alteration?: RegExp;
}

const KNOWN: readonly Known[] = [];

/** Whether something wrong is known to be so, and not a new mistake. */
export function isKnown(scenario: string, alteration: string, { kind, what }: Violation): boolean {
  return KNOWN.some(
    (known) =>
      known.kind === kind &&
      (known.what?.test(what) ?? true) &&
      (known.scenario?.test(scenario) ?? true) &&
      (known.alteration?.test(alteration) ?? true),
  );
}
