import type Database from "better-sqlite3";
import { StoreError } from "./store-error.ts";

export type Sqlite = Database.Database;
type Constructor = new (path: string, options?: Database.Options) => Sqlite;

/**
 * The SQLite library, loaded only where a store is used: it is an optional dependency with native code.
 *
 * @throws StoreError where it is not installed or was built for another Node.
 */
export async function loadSqlite(load: () => Promise<unknown> = () => import("better-sqlite3")): Promise<Constructor> {
  try {
    const module = (await load()) as { default: Constructor };
    return module.default;
  } catch (cause) {
    throw new StoreError(LIBRARY_MISSING, "run", { cause });
  }
}

const LIBRARY_MISSING =
  "stores need the package better-sqlite3, which is not installed here or was built for another Node; run: npm install better-sqlite3";

/** SQLite's name for what went wrong, such as SQLITE_FULL; "" for errors of other makes. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : "";
}

/** Whether writing failed for want of space, or of a disk that works: what may pass, and is worth another try. */
export function isDiskTrouble(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === "SQLITE_FULL" || code.startsWith("SQLITE_IOERR");
}

/** Whether another process held the store for longer than we wait. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error).startsWith("SQLITE_BUSY") || sqliteCode(error).startsWith("SQLITE_LOCKED");
}

/** What SQLite says of a file, as one line for the user; errors of other makes come back as they are. */
export function storeErrorOf(path: string, error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error)) return error;
  const code = sqliteCode(error);
  const known = Object.entries(LINES).find(([prefix]) => code.startsWith(prefix));
  if (known !== undefined) return new StoreError(`${path}: ${known[1].text}`, known[1].kind, { cause: error });
  // better-sqlite3 says so itself, without a code
  if (error instanceof TypeError && error.message.includes("directory does not exist")) {
    return new StoreError(`${path}: no such folder; make it first`, "input", { cause: error });
  }
  return code === "" ? error : new StoreError(`${path}: ${error.message}`, "run", { cause: error });
}

const LINES: Readonly<Record<string, { text: string; kind: StoreError["kind"] }>> = {
  SQLITE_NOTADB: {
    text: "no store: not a SQLite database; name a file that record or analyze --store wrote",
    kind: "input",
  },
  SQLITE_CORRUPT: {
    text: "the store is damaged; save what can be read with: sqlite3 OLD .recover | sqlite3 NEW",
    kind: "input",
  },
  SQLITE_CANTOPEN: {
    text: "cannot be opened as a store; it must be a file that can be read, in a folder that can be written (SQLite keeps its log beside it)",
    kind: "input",
  },
  SQLITE_FULL: { text: "no space left on the device; make room, or keep less with --keep", kind: "run" },
  SQLITE_IOERR: { text: "the disk failed while the store was in use; look at dmesg", kind: "run" },
  SQLITE_BUSY: { text: "another program keeps the store locked; try again when it is done", kind: "run" },
  SQLITE_READONLY: {
    text: "the store cannot be written; check its permissions and those of its folder",
    kind: "input",
  },
  SQLITE_PERM: { text: "permission denied", kind: "input" },
};
