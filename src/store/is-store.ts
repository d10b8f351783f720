import { closeSync, openSync, readSync, statSync } from "node:fs";

/** The first bytes of every SQLite database (https://www.sqlite.org/fileformat2.html, 1.3.1). */
const SQLITE_MAGIC = "SQLite format 3\0";

/**
 * Whether an input is a store by its first bytes. Only files are opened: what a pipe gives is gone once it was read.
 * What cannot be read is none; whoever reads it as a capture says why.
 */
export function isStore(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    const file = openSync(path, "r");
    try {
      const head = Buffer.alloc(SQLITE_MAGIC.length);
      return readSync(file, head) === head.length && head.toString("latin1") === SQLITE_MAGIC;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
