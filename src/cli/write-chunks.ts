import { once } from "node:events";
import type { Writable } from "node:stream";

/** Small pieces are put together up to this, and no more than this waits for a slow reader. */
const BATCH_CHARACTERS = 65_536;

/** Writes pieces of text as fast as who reads them takes them, so that a long document need not wait in memory. */
export async function writeChunks(output: Writable, chunks: Iterable<string>): Promise<void> {
  let batch = "";
  const write = async () => {
    const takesMore = output.write(batch);
    batch = "";
    if (!takesMore) await room(output);
  };
  for (const chunk of chunks) {
    batch += chunk;
    if (batch.length >= BATCH_CHARACTERS) await write();
  }
  if (batch !== "") await write();
}

/** Until more can be written, or nobody reads any more. */
async function room(output: Writable): Promise<void> {
  if (output.destroyed) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    await Promise.race([once(output, "drain", { signal }), once(output, "close", { signal })]);
  } finally {
    // the one that did not come would wait for ever
    waiting.abort();
  }
}
