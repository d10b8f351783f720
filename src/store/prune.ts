import type { Statement } from "better-sqlite3";
import { ClientSums, type ClientsConnection } from "./client-sums.ts";
import type { Sqlite } from "./sqlite.ts";
import type { KeepLimits } from "./store-input.ts";

/** What was taken out of a store. */
export interface Pruned {
  connections: number;
  minutes: number;
  evidence: number;
  findings: number;
  /** True where something younger than `keepSeconds` had to go for the file's size. */
  isForSize: boolean;
  /** Epoch seconds before which nothing is left; NaN where nothing was taken. */
  before: number;
  /** Bytes of the file and its log now. */
  bytes: number;
  /** True where there is more to take than the time allowed. */
  more: boolean;
}

/** Rows that go in one transaction: some 20 ms, in which readers go on and writers wait. */
const BATCH = 4000;
const PAGES_AT_ONCE = 2000;
/** What is cut for its size is cut to this part of the limit, so that it is not cut again at once. */
const ROOM_LEFT = 0.9;

/** Takes the oldest out of a store, in batches. */
export class Pruner {
  private readonly database: Sqlite;
  private readonly run: number;
  private readonly pageBytes: number;
  private readonly oldest: { connections: Statement; evidence: Statement; minute: Statement };
  private readonly batch: Statement;
  private readonly unrelate: Statement;
  private readonly delete: Statement;
  private readonly clients: ClientSums;

  /** @param run whose open findings stay: they hold still, however long ago they were told. */
  constructor(database: Sqlite, run: number) {
    this.database = database;
    this.run = run;
    this.pageBytes = database.pragma("page_size", { simple: true }) as number;
    const seconds = (table: string, column: string) =>
      database.prepare(`SELECT ${column} / 1000000000 FROM ${table} ORDER BY ${column} LIMIT 1 OFFSET ?`).pluck();
    this.oldest = {
      connections: seconds("connections INDEXED BY connections_by_start", "start_ns"),
      evidence: seconds("evidence", "time_ns"),
      minute: database.prepare("SELECT min(minute) FROM minutes").pluck(),
    };
    this.batch = database
      .prepare(
        `SELECT id FROM connections INDEXED BY connections_by_start
         WHERE start_ns < :before AND end_ns < :before ORDER BY start_ns LIMIT ${BATCH}`,
      )
      .pluck();
    this.delete = database.prepare(
      `DELETE FROM connections WHERE id = ? RETURNING client, outcome, bytes_up AS bytesUp, bytes_down AS bytesDown,
         health_check = 0 AND start_ns IS NOT NULL AS isClients`,
    );
    this.clients = new ClientSums(database);
    this.unrelate = database.prepare("DELETE FROM finding_connections WHERE connection = ?");
  }

  /**
   * @param newestSeconds epoch time that counts as now
   * @param budgetMs after which it stops and says that there is more
   */
  prune({ keepSeconds, maxBytes }: KeepLimits, newestSeconds: number, budgetMs: number): Pruned {
    const deadline = performance.now() + budgetMs;
    const gone: Pruned = {
      connections: 0,
      minutes: 0,
      evidence: 0,
      findings: 0,
      isForSize: false,
      before: Number.NaN,
      bytes: 0,
      more: false,
    };
    if (keepSeconds !== undefined && Number.isFinite(newestSeconds)) {
      gone.more = this.takeBefore(Math.floor(newestSeconds - keepSeconds), deadline, gone);
    }
    if (maxBytes !== undefined && !gone.more && this.usedBytes() > maxBytes) {
      gone.isForSize = true;
      while (this.usedBytes() > maxBytes * ROOM_LEFT) {
        const before = this.nextCut();
        gone.more = performance.now() > deadline;
        if (before === null || gone.more) break;
        this.takeBefore(before, Number.POSITIVE_INFINITY, gone);
      }
    }
    if (gone.connections + gone.minutes + gone.evidence + gone.findings > 0) this.giveBack(deadline);
    gone.bytes = this.fileBytes();
    return gone;
  }

  /** Takes everything before a time. @returns whether time ran out */
  private takeBefore(beforeSeconds: number, deadline: number, gone: Pruned): boolean {
    const before = BigInt(beforeSeconds) * 1_000_000_000n;
    const takeConnections = this.database.transaction(() => {
      const ids = this.batch.all({ before }) as number[];
      this.clients.reset();
      for (const id of ids) {
        const gone = this.delete.get(id) as (ClientsConnection & { isClients: number }) | undefined;
        if (gone?.isClients === 1) this.clients.countRow(gone, -1);
        this.unrelate.run(id);
      }
      this.clients.flush();
      return ids.length;
    });
    for (;;) {
      const taken = takeConnections.immediate();
      gone.connections += taken;
      if (taken > 0) gone.before = Math.max(beforeSeconds, Number.isNaN(gone.before) ? beforeSeconds : gone.before);
      if (taken < BATCH) break;
      if (performance.now() > deadline) return true;
    }
    const run = (sql: string, value: number | bigint) => this.database.prepare(sql).run(value).changes;
    this.database
      .transaction(() => {
        const minute = beforeSeconds - 60;
        gone.minutes += run("DELETE FROM minutes WHERE minute <= ?", minute);
        run("DELETE FROM minute_resets WHERE minute <= ?", minute);
        run("DELETE FROM minute_ports WHERE minute <= ?", minute);
        run("DELETE FROM minute_samples WHERE minute <= ?", minute);
        gone.evidence += run("DELETE FROM evidence WHERE time_ns < ?", before);
        gone.findings += run(
          `DELETE FROM findings WHERE last_ns < ? AND (state <> 'open' OR run <> ${this.run})`,
          before,
        );
        run(
          `DELETE FROM runs WHERE ended_ns < ? AND id NOT IN (SELECT run FROM minutes UNION SELECT run FROM findings)
             AND NOT EXISTS (SELECT 1 FROM connections WHERE id BETWEEN runs.id << 32 AND (runs.id << 32) + 4294967295)`,
          before,
        );
      })
      .immediate();
    return false;
  }

  /** A time that leaves out the oldest twentieth or so, epoch seconds; null where nothing is left to take. */
  private nextCut(): number | null {
    const connections = this.oldest.connections.get(BATCH) as number | undefined;
    if (connections !== undefined) return connections + 1;
    // few connections: what takes the room are packets, or minutes
    for (const offset of [100, 0]) {
      const evidence = this.oldest.evidence.get(offset) as number | undefined;
      if (evidence !== undefined) return evidence + 1;
    }
    const last = this.oldest.connections.get(0) as number | undefined;
    if (last !== undefined) return last + 60;
    const minute = this.oldest.minute.get() as number | null;
    return minute === null ? null : minute + 600;
  }

  /** Gives free pages back to the file system, as far as there is time. */
  private giveBack(deadline: number): void {
    while ((this.database.pragma("freelist_count", { simple: true }) as number) > 0) {
      this.database.pragma(`incremental_vacuum(${PAGES_AT_ONCE})`);
      if (performance.now() > deadline) break;
    }
    this.database.pragma("wal_checkpoint(PASSIVE)");
  }

  private usedBytes(): number {
    const pages = this.database.pragma("page_count", { simple: true }) as number;
    return (pages - (this.database.pragma("freelist_count", { simple: true }) as number)) * this.pageBytes;
  }

  private fileBytes(): number {
    return (this.database.pragma("page_count", { simple: true }) as number) * this.pageBytes;
  }
}
