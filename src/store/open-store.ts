import { existsSync, statSync } from "node:fs";
import type Database from "better-sqlite3";
import { APPLICATION_ID, MIGRATIONS, type Migration } from "./schema.ts";
import { loadSqlite, type Sqlite, storeErrorOf } from "./sqlite.ts";
import { StoreError } from "./store-error.ts";

/** How long a lock that another process holds is waited for. */
const BUSY_MS = 5000;
/** After a checkpoint the log is cut back to this, so that one long reader does not leave a large file for ever. */
const LOG_BYTES_KEPT = 64 * 1024 * 1024;
const CHECKPOINT_PAGES = 8000;
const WRITER_CACHE_KIB = 32 * 1024;

/**
 * Opens a store for writing, makes it where there is none, and brings an older one to this version's schema.
 *
 * @throws StoreError in a line: no store, damaged, newer than this version, not writable.
 */
export async function openForWriting(path: string, migrations: readonly Migration[] = MIGRATIONS): Promise<Sqlite> {
  const Sqlite = await loadSqlite();
  return opened(path, () => {
    const database = new Sqlite(path, { timeout: BUSY_MS });
    try {
      prepareForWriting(path, database, migrations);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Makes sure that a store can be written before much is done to fill it.
 *
 * @throws StoreError as `openForWriting`.
 */
export async function ensureWritable(path: string): Promise<void> {
  (await openForWriting(path)).close();
}

/**
 * Opens a store for reading alone: a statement that would write fails, whatever it is.
 *
 * @throws StoreError in a line: not there, no store, damaged, another schema than this version's.
 */
export async function openForReading(path: string): Promise<Sqlite> {
  if (!existsSync(path)) throw new StoreError(`${path}: no such file`, "input");
  const Sqlite = await loadSqlite();
  return opened(path, () => {
    const options: Database.Options = { readonly: true, fileMustExist: true, timeout: BUSY_MS };
    const database = new Sqlite(path, options);
    try {
      const version = checkedVersion(path, database);
      if (version < lastVersion(MIGRATIONS)) {
        const upgrade = "open it once for writing, as analyze --store does, to bring it up to date";
        throw new StoreError(`${path}: a store of an older l4scope (schema ${version}); ${upgrade}`, "input");
      }
      database.pragma("query_only = ON");
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function prepareForWriting(path: string, database: Sqlite, migrations: readonly Migration[]): void {
  const version = checkedVersion(path, database, migrations);
  // must stand before the first table
  if (version === 0) database.pragma("auto_vacuum = INCREMENTAL");
  database.pragma("journal_mode = WAL");
  // a commit is safe from a killed process at once, from a power cut at the next checkpoint; never is the file torn
  database.pragma("synchronous = NORMAL");
  database.pragma(`journal_size_limit = ${LOG_BYTES_KEPT}`);
  // pages of indexes are written again and again: the more commits a checkpoint gathers, the fewer times each
  database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.pragma(`cache_size = -${WRITER_CACHE_KIB}`);
  migrate(database, version, migrations);
}

/** Applies what is missing, each step whole or not at all; two processes that start at once do it once. */
function migrate(database: Sqlite, from: number, migrations: readonly Migration[]): void {
  if (from >= lastVersion(migrations)) return;
  const steps = database.transaction(() => {
    const current = database.pragma("user_version", { simple: true }) as number;
    for (const { version, sql } of migrations) {
      if (version <= current) continue;
      database.exec(sql);
      database.pragma(`user_version = ${version}`);
    }
    database.pragma(`application_id = ${APPLICATION_ID}`);
  });
  steps.immediate();
}

/** The schema's version in the file; 0 for an empty one. */
function checkedVersion(path: string, database: Sqlite, migrations: readonly Migration[] = MIGRATIONS): number {
  const version = database.pragma("user_version", { simple: true }) as number;
  const application = database.pragma("application_id", { simple: true }) as number;
  if (application !== APPLICATION_ID) {
    const tables = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() as number;
    if (tables === 0 && version === 0 && !database.readonly) return 0;
    const what = tables === 0 ? "an empty file" : "a SQLite database of another program";
    throw new StoreError(`${path}: no store: ${what}; name a file that record or analyze --store wrote`, "input");
  }
  const known = lastVersion(migrations);
  if (version > known) {
    const line = `${path}: a store of a newer l4scope (schema ${version}, this one knows ${known}); update l4scope`;
    throw new StoreError(line, "input");
  }
  return version;
}

function lastVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

function opened(path: string, open: () => Sqlite): Sqlite {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) throw new StoreError(`${path}: is a folder`, "input");
    return open();
  } catch (error) {
    throw storeErrorOf(path, error);
  }
}
