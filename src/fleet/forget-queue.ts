import { Outbox } from "../store/outbox.ts";

/**
 * For a store that is sent no more: its queue would grow with every row.
 *
 * @returns how many rows were waiting
 */
export async function forgetQueue(path: string): Promise<number> {
  const outbox = await Outbox.open(path);
  try {
    const waiting = outbox.length;
    outbox.stop();
    return waiting;
  } finally {
    outbox.close();
  }
}
