import type { LiveOptions } from "./live-handle.ts";
import type { LiveFinding, SettledConnection, UnsettledConnections } from "./live-model.ts";
import type { ModelMessage } from "./model-transfer.ts";

/** What a session's thread is started with. */
export interface LiveWorkerData {
  options: LiveOptions;
  /** What of a listener there is. */
  tells: { settled: boolean; unsettled: boolean; finding: boolean };
}

export type QueryName = "flows" | "ladder" | "evidence" | "packets";

/** To the session's thread. */
export type ToSession =
  | { kind: "query"; id: number; name: QueryName; args: readonly unknown[] }
  /** The connections told last, settled or not, are taken care of. */
  | { kind: "took"; failure: string | null }
  | { kind: "stop" };

/** An error as plain data. */
export interface ToldError {
  name: string;
  message: string;
  /** Those of a topology file. */
  lines?: readonly string[];
  code?: string;
  path?: string;
  syscall?: string;
}

/** From it. */
export type FromSession =
  | { kind: "started" }
  | { kind: "refused"; error: ToldError }
  | { kind: "model"; message: ModelMessage }
  | { kind: "settled"; connections: readonly SettledConnection[] }
  | { kind: "unsettled"; told: UnsettledConnections }
  | { kind: "finding"; finding: LiveFinding; change: "opened" | "changed" | "closed" | "withdrawn" }
  | { kind: "answer"; id: number; value: unknown; error: ToldError | null }
  | { kind: "ended" };

export function tellError(error: unknown): ToldError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(path === undefined ? {} : { path }),
    ...(syscall === undefined ? {} : { syscall }),
  };
}
