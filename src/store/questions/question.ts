/** How a value is to be read, and printed. Without one: text. */
export type Unit = "count" | "bytes" | "seconds" | "share" | "time";

export interface AnswerColumn {
  /** As in the SQL, and in JSON. */
  name: string;
  /** Header of the table. */
  title: string;
  unit?: Unit;
}

/** Names of what a question can be narrowed by. All can be by time. */
export type Narrowing = "vip" | "backend" | "limit" | "step";

/**
 * A question with a name. The table of them makes help, docs and `query --list`.
 *
 * Its SQL may use `:from_minute`, `:to_minute` (epoch seconds), `:from_ns`, `:to_ns`, `:vip` and `:backend` (null for
 * all), `:limit`, `:step` (seconds). Columns of the unit `time` are nanoseconds of the epoch.
 */
export interface Question {
  id: string;
  summary: string;
  narrowing: readonly Narrowing[];
  /** True where time does not matter to it. */
  isTimeless?: true;
  /** Of `:limit`, where it has one. */
  limit?: number;
  columns: readonly AnswerColumn[];
  sql: string;
  /** The same of all that the store has, where that is faster to tell than of a part. */
  wholeSql?: string;
}

/** Minutes that a window touches, of the VIP and backend asked for. */
export const IN_WINDOW = "minute > :from_minute - 60 AND minute < :to_minute";
export const OF_VIP = "(:vip IS NULL OR vip = :vip)";
export const OF_BACKEND = "(:backend IS NULL OR backend = :backend)";
