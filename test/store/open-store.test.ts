import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { openForReading, openForWriting } from "../../src/store/open-store.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { loadSqlite, type Sqlite } from "../../src/store/sqlite.ts";
import { StoreError } from "../../src/store/store-error.ts";
import { fill, reading, someConnections, withStore } from "./store-folder.ts";

/** Makes a SQLite database of another program. */
async function otherDatabase(path: string, change: (database: Sqlite) => void): Promise<void> {
  const Sqlite = await loadSqlite();
  const database = new Sqlite(path);
  change(database);
  database.close();
}

describe("what is no store is told in a line", () => {
  const both = { reading: openForReading, writing: (path: string) => openForWriting(path) };

  test.each<[string, (path: string) => void | Promise<void>, string]>([
    [
      "a text",
      (path) => writeFileSync(path, "not a database, but long enough to be read as one\n".repeat(40)),
      "not a SQLite database",
    ],
    ["a capture", (path) => writeFileSync(path, readFileSync("fixtures/demo/lb1-eth0.pcap")), "not a SQLite database"],
    [
      "another program's database",
      (path) => otherDatabase(path, (database) => database.exec("CREATE TABLE notes (text TEXT)")),
      "a SQLite database of another program",
    ],
    [
      "a newer store",
      async (path) => {
        await fill(path, []);
        await otherDatabase(path, (database) => database.pragma("user_version = 99"));
      },
      `a store of a newer l4scope (schema 99, this one knows ${MIGRATIONS.length}); update l4scope`,
    ],
    ["a folder", (path) => mkdirSync(path), "is a folder"],
  ])("%s", async (_, make, line) => {
    for (const open of Object.values(both)) {
      await withStore(async (path) => {
        await make(path);
        const error: unknown = await open(path).catch((thrown) => thrown);
        expect(error).toBeInstanceOf(StoreError);
        expect((error as StoreError).message).toContain(`${path}: `);
        expect((error as StoreError).message).toContain(line);
        expect((error as StoreError).message).not.toContain("\n");
        expect((error as StoreError).kind).toBe("input");
      });
    }
  });

  test("a file that is not there, or has nothing in it, where it is to be read", async () => {
    await withStore(async (path) => {
      await expect(openForReading(path)).rejects.toThrow(`${path}: no such file`);
      writeFileSync(path, "");
      await expect(openForReading(path)).rejects.toThrow(`${path}: no store: an empty file`);
    });
  });

  test("a folder that is not there, where it is to be written", async () => {
    await withStore(async (path) => {
      await expect(openForWriting(join(dirname(path), "no", "l4.db"))).rejects.toThrow("no such folder");
    });
  });

  test("a damaged store", async () => {
    await withStore(async (path) => {
      await fill(path, someConnections({ connections: 5000 }));
      const file = openSync(path, "r+");
      // pages of tables and indexes, the header left alone
      for (let page = 2; page < 200; page++) writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
      closeSync(file);
      const error: unknown = await reading(path, (reader) =>
        reader.read("SELECT sum(bytes_up) FROM connections"),
      ).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(StoreError);
      expect((error as StoreError).message).toBe(
        `${path}: the store is damaged; save what can be read with: sqlite3 OLD .recover | sqlite3 NEW`,
      );
    });
  });

  test("no SQLite library: what to do", async () => {
    const missing = () =>
      Promise.reject(Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" }));
    await expect(loadSqlite(missing)).rejects.toThrow(
      /^stores need the package better-sqlite3.*npm install better-sqlite3$/,
    );
  });
});

describe("a schema that changes", () => {
  const SECOND = {
    version: MIGRATIONS.length + 1,
    sql: "ALTER TABLE runs ADD COLUMN note TEXT; UPDATE runs SET note = 'old'",
  };

  test("brings an older store along, with what is in it", async () => {
    await withStore(async (path) => {
      await fill(path, someConnections({ connections: 100 }));
      const database = await openForWriting(path, [...MIGRATIONS, SECOND]);
      expect(database.pragma("user_version", { simple: true })).toBe(SECOND.version);
      expect(database.prepare("SELECT note FROM runs").pluck().all()).toEqual(["old"]);
      expect(database.prepare("SELECT count(*) FROM connections").pluck().get()).toBe(100);
      database.close();
      // and this version, which does not know the second step, leaves it alone
      await expect(openForWriting(path)).rejects.toThrow("a store of a newer l4scope");
    });
  });

  test("is applied whole or not at all", async () => {
    await withStore(async (path) => {
      await fill(path, []);
      const broken = { ...SECOND, sql: "CREATE TABLE more (id INTEGER) STRICT; INSERT INTO nowhere VALUES (1)" };
      await expect(openForWriting(path, [...MIGRATIONS, broken])).rejects.toThrow("nowhere");
      const database = await openForWriting(path);
      expect(database.pragma("user_version", { simple: true })).toBe(MIGRATIONS.length);
      expect(database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'more'").pluck().get()).toBe(0);
      database.close();
    });
  });

  test("is made once where two begin at the same time", async () => {
    await withStore(async (path) => {
      const databases = await Promise.all([openForWriting(path), openForWriting(path)]);
      for (const database of databases) database.close();
      await fill(path, []);
    });
  });
});

test("a store is in WAL mode, gives space back, and is known by its header", async () => {
  await withStore(async (path) => {
    const database = await openForWriting(path);
    expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(database.pragma("auto_vacuum", { simple: true })).toBe(2);
    database.close();
    expect(readFileSync(path).subarray(68, 72).toString()).toBe("L4SC");
  });
});
