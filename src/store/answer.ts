import type { ColumnDefinition, Statement } from "better-sqlite3";
import { epochOfNs } from "./epoch-ns.ts";
import type { AnswerColumn } from "./questions/question.ts";

/** A value of an answer: a time is a decimal string of epoch seconds, a whole number that no double holds is a string. */
export type AnswerValue = string | number | null;

/** What a statement gave. */
export interface Answer {
  columns: readonly AnswerColumn[];
  rows: readonly (readonly AnswerValue[])[];
  /** True where there were more rows than were asked for. */
  truncated: boolean;
}

type RawValue = string | number | bigint | Buffer | null;

/** Columns of a statement that nobody described; a name that comes again gets a number. */
export function plainColumns(columns: readonly ColumnDefinition[]): AnswerColumn[] {
  const seen = new Map<string, number>();
  return columns.map(({ name: given }) => {
    const count = (seen.get(given) ?? 0) + 1;
    seen.set(given, count);
    const name = count === 1 ? given : `${given}_${count}`;
    return { name, title: name };
  });
}

/** Rows of a statement, at most so many. */
export function* answerRows(
  statement: Statement,
  parameters: Record<string, unknown>,
  columns: readonly AnswerColumn[],
): Generator<AnswerValue[]> {
  const rows = statement.raw(true).safeIntegers(true).iterate(parameters) as IterableIterator<RawValue[]>;
  for (const row of rows) yield row.map((value, place) => answerValue(value, columns[place]?.unit));
}

function answerValue(value: RawValue, unit: AnswerColumn["unit"]): AnswerValue {
  if (typeof value === "bigint") {
    if (unit === "time") return timeValue(value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  // as SQLite writes a blob
  return Buffer.isBuffer(value) ? `x'${value.toString("hex")}'` : value;
}

/** A time of an answer, of nanoseconds of the epoch: without decimals that say nothing, a minute has none. */
export function timeValue(ns: bigint): string | null {
  return epochOfNs(ns)?.replace(/0+$/, "").replace(/\.$/, "") ?? null;
}
