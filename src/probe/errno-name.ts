import { constants } from "node:os";

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .reverse() // EAGAIN before EWOULDBLOCK, which is the same number
    .map(([name, number]) => [number, name]),
);

/** `ECONNREFUSED` of 111; null for 0. The kernel's own numbers have no name there and stay numbers. */
export function errnoName(errno: number): string | null {
  return errno === 0 ? null : (NAMES.get(errno) ?? String(errno));
}
