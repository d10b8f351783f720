import { createReadStream, fstatSync } from "node:fs";
import { Socket } from "node:net";

const STDIN = 0;

/**
 * Stdin, read by this thread itself: what a worker calls process.stdin comes by way of the main thread. A pipe is
 * watched, not waited for, so that a session can end while its writer is silent.
 */
export function openStdin(): NodeJS.ReadableStream {
  const status = fstatSync(STDIN);
  if (status.isFIFO() || status.isSocket()) return new Socket({ fd: STDIN, readable: true, writable: false });
  return createReadStream("", { fd: STDIN, autoClose: false });
}
