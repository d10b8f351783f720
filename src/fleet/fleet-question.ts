import type { AnswerColumn } from "../store/questions/question.ts";
import type { StoreWindow } from "../store/store-window.ts";
import { literal } from "./click-house.ts";

/** Names of what a question to the fleet can be narrowed by. All can be by time. */
export type FleetNarrowing = "host" | "vip" | "backend" | "limit" | "step";

/** What an asked question is narrowed by; null for all. */
export interface FleetScope {
  database: string;
  window: StoreWindow;
  host: string | null;
  vip: string | null;
  backend: string | null;
  limit: number;
  stepSeconds: number;
}

/** A question with a name that many hosts answer. The table of them makes help, docs and `query --list --fleet`. */
export interface FleetQuestion {
  id: string;
  summary: string;
  narrowing: readonly FleetNarrowing[];
  /** Rows, where nobody says how many. */
  limit: number;
  /** Columns of the unit `time` are nanoseconds of the epoch. */
  columns: readonly AnswerColumn[];
  sql(scope: FleetScope): string;
}

/** A connection that began longer before a window is not looked for in it: partitions are days. */
const LONGEST_SECONDS = 86_400n;

/**
 * The rows of `connections` that hold, of the connections that were there within the window, narrowed; for `FROM`.
 *
 * @param columns those that are read: the fewer, the faster
 */
export function connectionsOf(
  { database, window, host, vip, backend }: FleetScope,
  columns: readonly string[],
): string {
  const from = window.from / 1_000_000_000n - LONGEST_SECONDS;
  const to = window.to / 1_000_000_000n + 1n;
  const conditions = [
    `start >= toDateTime(${from < 0n ? 0n : from}, 'UTC')`,
    `start <= toDateTime(${to > LAST_SECOND ? LAST_SECOND : to}, 'UTC')`,
    `start_ns < ${window.to}`,
    `end_ns >= ${window.from}`,
    ...equals({ host, vip, backend }),
  ];
  return `(SELECT ${columns.join(", ")} FROM ${database}.connections FINAL WHERE ${conditions.join(" AND ")})`;
}

/** What DateTime can hold: 32 bits. */
const LAST_SECOND = 2n ** 32n - 1n;

/** Of clients, without what balancers open for themselves. */
export const OF_CLIENTS = "health_check = 0 AND role = 'client'";

export function equals(columns: Readonly<Record<string, string | null>>): string[] {
  return Object.entries(columns).flatMap(([name, value]) => (value === null ? [] : [`${name} = ${literal(value)}`]));
}
