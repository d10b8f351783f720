import { compareSides } from "../../compare/compare.ts";
import type { Comparison } from "../../compare/comparison.ts";
import type { Side } from "../../compare/side.ts";

/** Two sides and what came of comparing them: what text and document are made of. */
export interface Diff {
  before: Side;
  after: Side;
  comparison: Comparison;
}

export function diffOf(before: Side, after: Side): Diff {
  return { before, after, comparison: compareSides(before, after) };
}
