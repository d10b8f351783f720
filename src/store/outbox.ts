import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Statement } from "better-sqlite3";
import { type ConnectionRow, connectionOfRow, READ_COLUMNS } from "./connection-row.ts";
import { openForWriting } from "./open-store.ts";
import { type Sqlite, storeErrorOf } from "./sqlite.ts";
import { StoreError } from "./store-error.ts";
import { RUN_FACTOR, type StoredConnection } from "./stored-connection.ts";
import { StoredJourneys } from "./stored-journeys.ts";

/** A row of the tables `findings` or `runs`, times as decimal texts. */
export type OutboxRow = Readonly<Record<string, string | number | null>>;

/** Rows to send, and how new each is: a greater number holds against a smaller one, also of another batch. */
export interface OutboxBatch {
  connections: readonly { version: number; connection: StoredConnection }[];
  findings: readonly { version: number; row: OutboxRow }[];
  /** Numbers of the runs that changed, or that the others are of. */
  runs: readonly number[];
  /** Rows that the store gave up, for their age or its size, before they were sent. */
  gone: number;
  /** The newest of it. */
  last: number;
  /** Hands it back to `done`. */
  entries: readonly number[];
}

type Kind = "connection" | "finding" | "run";
interface Entry {
  seq: number;
  kind: Kind;
  id: number;
}

/**
 * A recorder tells a connection as soon as it ends, and again, or as a part of another, when it knows better: what has
 * not changed for so long is settled (SETTLE_SECONDS of src/live), and is not sent before.
 */
const SETTLED_SECONDS = 20;
/** A row that goes within this time of its last change was told too early; a later one was given up. */
const TOLD_TOO_EARLY_SECONDS = 60;
/** Rows that go into the queue at once when a store gets one: some 20 ms, in which its writer waits. */
const FILL_ROWS = 20_000;
const TABLES: Readonly<Record<Kind, string>> = { connection: "connections", finding: "findings", run: "runs" };

/**
 * What of a store has not been sent elsewhere yet: a queue in the store itself, which triggers fill in the transaction
 * that writes the row, whoever writes it. A row that changes before it is sent stands in it once.
 */
export class Outbox {
  /** A name that the store keeps for good, and that copies of it share: 16 hexadecimal digits. */
  readonly store: string;
  private readonly path: string;
  private readonly database: Sqlite;
  private readonly entries: Statement;
  private readonly rows: Readonly<Record<Kind, Statement>>;
  private readonly remove: Statement;
  private readonly journeys: StoredJourneys;

  /**
   * Opens the queue of a store; where there is none yet, makes one with all that the store has.
   *
   * @param settledSeconds for how long a connection must not have changed to be sent
   * @throws StoreError in a line: not there, no store, damaged, newer than this version, not writable.
   */
  static async open(path: string, settledSeconds = SETTLED_SECONDS): Promise<Outbox> {
    if (!existsSync(path)) throw new StoreError(`${path}: no such file`, "input");
    const database = await openForWriting(path);
    try {
      return new Outbox(path, database, settledSeconds);
    } catch (error) {
      database.close();
      throw storeErrorOf(path, error);
    }
  }

  private constructor(path: string, database: Sqlite, settledSeconds: number) {
    this.path = path;
    this.database = database;
    makeQueue(database);
    this.store = database.prepare("SELECT store FROM outbox_state").pluck().get() as string;
    this.entries = database.prepare(
      `SELECT seq, kind, id FROM outbox WHERE kind <> 'connection' OR queued_at <= unixepoch() - ${settledSeconds}
         OR (id >> 32) IN (SELECT id FROM runs WHERE ended_ns IS NOT NULL)
       ORDER BY seq LIMIT ?`,
    );
    this.remove = database.prepare("DELETE FROM outbox WHERE seq = ?");
    this.journeys = new StoredJourneys(database);
    this.rows = {
      connection: database.prepare(`SELECT ${READ_COLUMNS} FROM connections AS c WHERE c.id = ?`),
      finding: database.prepare(
        `SELECT run, key, finding, severity, state, confidence, title, vip, backend, node, member, connections,
         CAST(opened_ns AS TEXT) AS opened_ns, CAST(last_ns AS TEXT) AS last_ns, CAST(closed_ns AS TEXT) AS closed_ns, document
         FROM findings WHERE id = ?`,
      ),
      run: database.prepare(
        `SELECT id, command, version, host, sources, CAST(started_ns AS TEXT) AS started_ns,
         CAST(ended_ns AS TEXT) AS ended_ns, dropped FROM runs WHERE id = ?`,
      ),
    };
  }

  /** Rows that wait. */
  get length(): number {
    return this.guarded(() => this.database.prepare("SELECT count(*) FROM outbox").pluck().get() as number);
  }

  /** A run as it is now; null for one that is gone. */
  runOf(id: number): OutboxRow | null {
    return (this.guarded(() => this.rows.run.get(id)) as OutboxRow | undefined) ?? null;
  }

  /**
   * The oldest that wait and are settled, as they are now, at most so many; they go on waiting until `done`. All of a
   * run that has ended is settled.
   */
  take(limit: number): OutboxBatch {
    return this.guarded(() => {
      const connections = [];
      const findings = [];
      const runs = new Set<number>();
      let gone = 0;
      const entries = this.entries.all(limit) as Entry[];
      for (const { seq: version, kind, id } of entries) {
        const row = this.rows[kind].get(id) as OutboxRow | undefined;
        if (row === undefined) {
          gone++;
          continue;
        }
        if (kind === "finding") findings.push({ version, row });
        if (kind === "connection") connections.push({ version, connection: this.connectionOf(row) });
        runs.add(kind === "run" ? id : kind === "finding" ? Number(row.run) : Math.floor(id / RUN_FACTOR));
      }
      const numbers = entries.map(({ seq }) => seq);
      return { connections, findings, runs: [...runs], gone, last: numbers.at(-1) ?? 0, entries: numbers };
    });
  }

  /** A batch was sent: what has not changed since waits no more. */
  done({ entries }: OutboxBatch): void {
    const remove = this.database.transaction(() => {
      for (const seq of entries) this.remove.run(seq);
    });
    this.guarded(() => remove.immediate());
  }

  /** Empties the queue; nothing waits in it from then on, until it is opened again. */
  stop(): void {
    this.guarded(() => this.database.transaction(() => this.database.exec(STOP)).immediate());
  }

  close(): void {
    this.database.close();
  }

  private connectionOf(row: ConnectionRow): StoredConnection {
    return connectionOfRow(row, this.journeys.of(Number(row.journey)), { withRun: false, communityIds: true });
  }

  private guarded<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw storeErrorOf(this.path, error);
    }
  }
}

/** Makes the queue where there is none, and fills it with what the store has; goes on where a killed process stopped. */
function makeQueue(database: Sqlite): void {
  const isKept = () => database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(triggerOf("run", "INSERT"));
  if (isKept() === undefined) {
    const make = database.transaction(() => {
      if (isKept() !== undefined) return;
      database.exec(MAKE);
      database
        .prepare(
          "INSERT INTO outbox_state (one, store, filled_to) VALUES (1, ?, 0) ON CONFLICT DO UPDATE SET filled_to = 0",
        )
        .run(randomBytes(8).toString("hex"));
    });
    make.immediate();
  }
  const filled = database.prepare("SELECT filled_to FROM outbox_state").pluck();
  const ids = database.prepare(`SELECT id FROM connections WHERE id > ? ORDER BY id LIMIT ${FILL_ROWS}`).pluck();
  const add = database.prepare(
    "INSERT OR IGNORE INTO outbox (kind, id, queued_at) VALUES ('connection', ?, unixepoch())",
  );
  const fill = database.transaction(() => {
    const batch = ids.all(filled.get()) as number[];
    for (const id of batch) add.run(id);
    // what is written from now on, the triggers see to
    database.prepare("UPDATE outbox_state SET filled_to = ?").run(batch.at(-1) ?? Number.MAX_SAFE_INTEGER);
  });
  while ((filled.get() as number) < Number.MAX_SAFE_INTEGER) fill.immediate();
}

/** Whatever conflict handling the writer's statement has would hold inside a trigger, too: hence DELETE and INSERT. */
const TRIGGERS = (Object.keys(TABLES) as Kind[]).flatMap((kind) =>
  (["INSERT", "UPDATE"] as const).map((event) => ({
    name: triggerOf(kind, event),
    sql: `AFTER ${event} ON ${TABLES[kind]} BEGIN
  DELETE FROM outbox WHERE kind = '${kind}' AND id = NEW.id;
  INSERT INTO outbox (kind, id, queued_at) VALUES ('${kind}', NEW.id, unixepoch());
END;`,
  })),
);
TRIGGERS.push({
  name: "outbox_connection_delete",
  sql: `AFTER DELETE ON connections BEGIN
  DELETE FROM outbox WHERE kind = 'connection' AND id = OLD.id AND queued_at > unixepoch() - ${TOLD_TOO_EARLY_SECONDS};
END;`,
});

function triggerOf(kind: Kind, event: "INSERT" | "UPDATE"): string {
  return `outbox_${kind}_${event.toLowerCase()}`;
}

const MAKE = `
CREATE TABLE IF NOT EXISTS outbox_state (one INTEGER PRIMARY KEY, store TEXT NOT NULL, filled_to INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  UNIQUE (kind, id)
) STRICT;
INSERT INTO outbox (kind, id, queued_at) SELECT 'run', id, unixepoch() FROM runs;
INSERT INTO outbox (kind, id, queued_at) SELECT 'finding', id, unixepoch() FROM findings;
${TRIGGERS.map(({ name, sql }) => `CREATE TRIGGER ${name} ${sql}`).join("\n")}`;

/** The store's name and the numbers given so far stay: what was sent is known by them. */
const STOP = `
${TRIGGERS.map(({ name }) => `DROP TRIGGER IF EXISTS ${name};`).join("\n")}
DELETE FROM outbox;`;
