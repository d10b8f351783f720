import { type ChildProcess, fork } from "node:child_process";
import type { Answer, AnswerValue } from "./answer.ts";
import type { QueryJob, QueryMessage } from "./query-messages.ts";
import type { AnswerColumn } from "./questions/question.ts";
import { StoreError } from "./store-error.ts";

/**
 * Runs a user's SQL in a process of its own: SQLite as better-sqlite3 builds it cannot be interrupted, a process can
 * be killed.
 *
 * @throws StoreError where it is no statement that reads, or takes longer than it may.
 */
export function limitedQuery(job: QueryJob, timeoutSeconds: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = startProcess();
    let columns: readonly AnswerColumn[] = [];
    const rows: AnswerValue[][] = [];
    const timer = setTimeout(() => {
      const line = `SQL: no answer within ${timeoutSeconds} s; narrow it with WHERE, or allow more with --timeout`;
      end(() => reject(new StoreError(line, "run")));
    }, timeoutSeconds * 1000);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      child.removeAllListeners();
      // a process that was killed has nothing more to say, one that is done ends by itself
      child.on("error", () => {});
      child.kill("SIGKILL");
      settle();
    };
    child.on("message", (message: QueryMessage) => {
      if (message.kind === "columns") columns = message.columns;
      else if (message.kind === "rows") for (const row of message.rows) rows.push(row);
      else if (message.kind === "end") end(() => resolve({ columns, rows, truncated: message.truncated }));
      else if (message.kind === "refused") end(() => reject(new StoreError(message.message, message.error)));
      else end(() => reject(new Error(message.message)));
    });
    child.on("error", (error) => end(() => reject(error)));
    child.on("exit", (code, signal) =>
      end(() => reject(new Error(`the process that ran the SQL ended (${signal ?? code})`))),
    );
    child.send(job);
  });
}

/** Unbuilt, the process needs tsx, which is not in its arguments where bin/dev.js registered it. */
function startProcess(): ChildProcess {
  const options = { serialization: "advanced", stdio: ["ignore", "ignore", "inherit", "ipc"] } as const;
  if (!import.meta.url.endsWith(".ts")) {
    return fork(new URL("./query-process.js", import.meta.url), {
      ...options,
      stdio: [...options.stdio],
      execArgv: [],
    });
  }
  const execArgv = ["--import", import.meta.resolve("tsx")];
  return fork(new URL("./query-process.ts", import.meta.url), { ...options, stdio: [...options.stdio], execArgv });
}
