import type { Explanation } from "./explanation.ts";
import { EXPLANATIONS } from "./explanations.ts";

/** What `explain ID --json` prints. */
export interface ExplanationDocument extends Explanation {
  schema: "l4scope.explanation/1";
  id: string;
}

/** What `explain --json` prints. */
export interface ExplanationList {
  schema: "l4scope.explanations/1";
  findings: readonly { id: string; summary: string }[];
}

export function explanationDocument(id: string, explanation: Explanation): ExplanationDocument {
  return { schema: "l4scope.explanation/1", id, ...explanation };
}

export function explanationList(): ExplanationList {
  const findings = Object.entries(EXPLANATIONS).map(([id, { summary }]) => ({ id, summary }));
  return { schema: "l4scope.explanations/1", findings };
}
