import type { QueryJob, QueryMessage } from "./query-messages.ts";
import { StoreError } from "./store-error.ts";
import { StoreReader } from "./store-reader.ts";

// Runs one statement of a user's in a process of its own, see limited-query.ts.

const ROWS_AT_ONCE = 1000;

process.once("message", (job: QueryJob) => {
  void run(job)
    .catch((error: unknown) => say(failure(error)))
    .finally(() => process.disconnect());
});

async function run({ path, sql, limit }: QueryJob): Promise<void> {
  const reader = await StoreReader.open(path);
  const { columns, rows } = reader.prepareSql(sql);
  await say({ kind: "columns", columns });
  let waiting = [];
  let count = 0;
  let truncated = false;
  for (const row of rows()) {
    truncated = count === limit;
    if (truncated) break;
    count++;
    waiting.push(row);
    if (waiting.length < ROWS_AT_ONCE) continue;
    await say({ kind: "rows", rows: waiting });
    waiting = [];
  }
  if (waiting.length > 0) await say({ kind: "rows", rows: waiting });
  await say({ kind: "end", truncated });
  reader.close();
}

function failure(error: unknown): QueryMessage {
  if (error instanceof StoreError) return { kind: "refused", message: error.message, error: error.kind };
  return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
}

function say(message: QueryMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });
}
