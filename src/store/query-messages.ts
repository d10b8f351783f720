import type { AnswerValue } from "./answer.ts";
import type { AnswerColumn } from "./questions/question.ts";
import type { StoreError } from "./store-error.ts";

/** What the process that runs a user's SQL is asked. */
export interface QueryJob {
  path: string;
  sql: string;
  limit: number;
}

/** What it says. */
export type QueryMessage =
  | { kind: "columns"; columns: readonly AnswerColumn[] }
  | { kind: "rows"; rows: AnswerValue[][] }
  | { kind: "end"; truncated: boolean }
  | { kind: "refused"; message: string; error: StoreError["kind"] }
  | { kind: "failed"; message: string };
