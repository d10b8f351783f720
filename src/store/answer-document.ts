import type { Answer, AnswerValue } from "./answer.ts";
import type { AnswerColumn, Unit } from "./questions/question.ts";

/** What a list of questions tells of one. */
export interface ListedQuestion {
  id: string;
  summary: string;
  /** Flags that it listens to, without `--`, besides those of time. */
  narrowing: readonly string[];
  isTimeless?: true;
  columns: readonly AnswerColumn[];
  /** Null where no single statement answers it. */
  sql: string | null;
}

/** The document of `query --json`. Times are epoch seconds as decimal strings, durations seconds, sizes bytes. */
export interface QueryDocument {
  schema: "l4scope.query/1";
  /** The question's name, or null for SQL. */
  question: string | null;
  columns: readonly { name: string; unit: Unit | null }[];
  rows: readonly Readonly<Record<string, AnswerValue>>[];
  /** True where there were more rows than --limit allows. */
  truncated: boolean;
}

/** The document of `query --list --json`. */
export interface QuestionsDocument {
  schema: "l4scope.questions/1";
  questions: readonly {
    id: string;
    summary: string;
    flags: readonly string[];
    columns: QueryDocument["columns"];
    sql: string | null;
  }[];
}

export function queryDocument(question: string | null, { columns, rows, truncated }: Answer): QueryDocument {
  return {
    schema: "l4scope.query/1",
    question,
    columns: columns.map(({ name, unit }) => ({ name, unit: unit ?? null })),
    rows: rows.map((row) => Object.fromEntries(columns.map(({ name }, place) => [name, row[place] ?? null]))),
    truncated,
  };
}

export function questionsDocument(questions: readonly ListedQuestion[]): QuestionsDocument {
  return {
    schema: "l4scope.questions/1",
    questions: questions.map(({ id, summary, narrowing, columns, sql }) => ({
      id,
      summary,
      flags: flagsOf({ narrowing }),
      columns: columns.map(({ name, unit }) => ({ name, unit: unit ?? null })),
      sql,
    })),
  };
}

/** The flags that a question listens to. */
export function flagsOf({ narrowing, isTimeless }: Pick<ListedQuestion, "narrowing" | "isTimeless">): string[] {
  return [...(isTimeless ? [] : ["--from", "--to", "--last"]), ...narrowing.map((name) => `--${name}`)];
}
