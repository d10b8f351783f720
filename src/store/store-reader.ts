import type { Statement } from "better-sqlite3";
import { type Answer, type AnswerValue, answerRows, plainColumns } from "./answer.ts";
import { openForReading } from "./open-store.ts";
import type { AnswerColumn, Question } from "./questions/question.ts";
import { type Sqlite, sqliteCode, storeErrorOf } from "./sqlite.ts";
import { StoreError } from "./store-error.ts";
import { ALWAYS, type StoreWindow } from "./store-window.ts";
import { TimeBuckets } from "./time-buckets.ts";

/** What a question with a name is narrowed by. */
export interface NarrowedBy {
  window?: StoreWindow;
  vip?: string | null;
  backend?: string | null;
  limit?: number;
  stepSeconds?: number;
}

/** A row of one of this room's own statements. */
export type StoredRow = Record<string, string | number | Buffer | null>;

/** Statement of a user that is ready to run. */
export interface PreparedSql {
  columns: readonly AnswerColumn[];
  rows(): Generator<AnswerValue[]>;
}

/**
 * Reads a store, while others write it if they like. Nothing that is asked can change it: the connection is read-only
 * and so is every statement.
 */
export class StoreReader {
  readonly path: string;
  private readonly database: Sqlite;
  private readonly prepared = new Map<string, Statement>();

  /** @throws StoreError in a line: not there, no store, damaged, newer than this version. */
  static async open(path: string): Promise<StoreReader> {
    return new StoreReader(path, await openForReading(path));
  }

  private constructor(path: string, database: Sqlite) {
    this.path = path;
    this.database = database;
    addFunctions(database);
  }

  close(): void {
    this.database.close();
  }

  /** From now on all that is read is of one moment; until the store is closed. */
  beginSnapshot(): void {
    if (!this.database.inTransaction) this.guarded(() => this.database.exec("BEGIN"));
  }

  /** Answers a question that has a name. */
  ask(
    question: Question,
    { window = ALWAYS, vip = null, backend = null, limit, stepSeconds = 60 }: NarrowedBy,
  ): Answer {
    const most = limit ?? question.limit ?? -1;
    const parameters = {
      from_ns: window.from,
      to_ns: window.to,
      from_minute: window.from / 1_000_000_000n,
      // a window that ends within a minute has a part of it
      to_minute: (window.to + 999_999_999n) / 1_000_000_000n,
      vip,
      backend,
      limit: most,
      step: BigInt(stepSeconds),
    };
    return this.guarded(() => {
      const sql = question.wholeSql !== undefined && this.isWhole(window) ? question.wholeSql : question.sql;
      const rows = [...answerRows(this.statement(sql), parameters, question.columns)];
      return { columns: question.columns, rows, truncated: false };
    });
  }

  /**
   * Makes a user's SQL ready to run.
   *
   * @throws StoreError where it is not one statement that reads and gives rows.
   */
  prepareSql(sql: string): PreparedSql {
    let statement: Statement;
    try {
      statement = this.database.prepare(sql);
    } catch (error) {
      throw this.sqlError(error);
    }
    if (!statement.reader || !statement.readonly) {
      throw new StoreError("a store is read-only here: give one SELECT", "input");
    }
    const columns = plainColumns(statement.columns());
    const rows = answerRows(statement, {}, columns);
    const guarded = (error: unknown) => this.sqlError(error);
    return {
      columns,
      *rows() {
        try {
          yield* rows;
        } catch (error) {
          throw guarded(error);
        }
      },
    };
  }

  /** The end of the newest minute that the store has something of; null where it has none. */
  newest(): bigint | null {
    const minute = this.read("SELECT max(minute) AS minute FROM minutes").at(0)?.minute;
    return typeof minute === "number" ? BigInt(minute + 60) * 1_000_000_000n : null;
  }

  /**
   * Rows of one of this room's own statements, as objects.
   *
   * @throws StoreError where the store is damaged.
   */
  read(sql: string, ...parameters: unknown[]): StoredRow[] {
    return this.guarded(() => this.statement(sql).all(...parameters)) as Record<
      string,
      string | number | Buffer | null
    >[];
  }

  /** The same, a row at a time; nothing else can be read meanwhile. */
  *iterate(sql: string, ...parameters: unknown[]): Generator<StoredRow> {
    const rows = this.guarded(() => this.database.prepare(sql).iterate(...parameters));
    for (;;) {
      const next = this.guarded(() => rows.next());
      if (next.done === true) return;
      yield next.value as StoredRow;
    }
  }

  /** A function of SQL that lasts as long as the connection. */
  define(name: string, run: (...values: never[]) => string | number | null): void {
    this.database.function(name, { deterministic: true }, run as (...values: unknown[]) => unknown);
  }

  /** Whether all connections began within a window. */
  private isWhole({ from, to }: StoreWindow): boolean {
    const outside = `SELECT (SELECT min(start_ns) FROM connections) < ? OR (SELECT max(start_ns) FROM connections) >= ? AS is_outside`;
    return this.statement(outside).pluck().get(from, to) !== 1;
  }

  private statement(sql: string): Statement {
    let statement = this.prepared.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }

  private guarded<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw storeErrorOf(this.path, error);
    }
  }

  private sqlError(error: unknown): unknown {
    const code = sqliteCode(error);
    const isTheUsers = code === "SQLITE_ERROR" || (code === "" && error instanceof RangeError);
    if (!(error instanceof Error) || !isTheUsers) return storeErrorOf(this.path, error);
    const line = error.message.includes("more than one statement")
      ? "give one statement at a time"
      : `${error.message} (l4scope query --schema shows tables and columns)`;
    return new StoreError(`SQL: ${line}`, "input", { cause: error });
  }
}

/** Functions that questions use of `minutes.connect_times` and `first_byte_times`; users' SQL may, too. */
function addFunctions(database: Sqlite): void {
  database.aggregate("merge_times", {
    deterministic: true,
    start: () => new TimeBuckets(),
    step: (buckets: TimeBuckets, json: unknown) => {
      if (typeof json === "string") buckets.merge(json);
    },
    result: (buckets: TimeBuckets) => buckets.text(),
  });
  database.function("time_quantile", { deterministic: true }, (json: unknown, share: unknown) =>
    typeof json === "string" ? TimeBuckets.parse(json).quantile(Number(share)) : null,
  );
}
