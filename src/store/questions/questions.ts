import { BALANCING } from "./balancing.ts";
import { FAILURES } from "./failures.ts";
import type { Question } from "./question.ts";
import { TRAFFIC } from "./traffic.ts";

/** Every question that has a name, in the order of asking. */
export const QUESTIONS: readonly Question[] = [...FAILURES, ...BALANCING, ...TRAFFIC];

/** The question of that name, or null. */
export function questionNamed(id: string): Question | null {
  return QUESTIONS.find((question) => question.id === id) ?? null;
}

/** Tables and columns: `query --schema`. What they mean is in docs/store.md. */
export const SCHEMA_QUESTION: Question = {
  id: "schema",
  summary: "tables and columns of the store",
  narrowing: [],
  isTimeless: true,
  columns: [
    { name: "table", title: "table" },
    { name: "column", title: "column" },
    { name: "type", title: "type" },
    { name: "may_be_null", title: "may be null" },
  ],
  sql: `SELECT t.name AS "table", c.name AS "column", c.type AS type,
  CASE WHEN c."notnull" OR c.pk > 0 THEN 'no' ELSE 'yes' END AS may_be_null
FROM sqlite_schema AS t JOIN pragma_table_xinfo(t.name) AS c
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid`,
};
