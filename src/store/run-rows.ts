import type { Statement } from "better-sqlite3";
import { ClientSums } from "./client-sums.ts";
import { ConnectionRows } from "./connection-row.ts";
import { nsOfSeconds } from "./epoch-ns.ts";
import { FindingRows } from "./finding-rows.ts";
import { MinuteCounts } from "./minute-counts.ts";
import type { Sqlite } from "./sqlite.ts";
import type { EvidenceToStore, RunFacts, RunResult } from "./store-input.ts";
import { type ConnectionToStore, connectionKey, connectionNumber } from "./stored-connection.ts";
import type { Item } from "./waiting-items.ts";

/** The rows of one run: turns what is told into rows of all tables, a transaction at a time. */
export class RunRows {
  readonly run: number;
  /** Epoch seconds of the newest connection's end; -Infinity before the first. */
  newestSeconds = Number.NEGATIVE_INFINITY;
  /** Connections of the run that are in the file. */
  kept = 0;
  private readonly database: Sqlite;
  private readonly connections: ConnectionRows;
  private readonly counts: MinuteCounts;
  private readonly clients: ClientSums;
  private readonly findings: FindingRows;
  private readonly statements: Record<
    "begin" | "commit" | "rollback" | "add" | "set" | "evidence" | "forgetEvidence" | "unrelate",
    Statement
  >;

  /** Begins a run. */
  constructor(database: Sqlite, { command, version, host, sources }: RunFacts) {
    this.database = database;
    const { lastInsertRowid } = database
      .prepare("INSERT INTO runs (command, version, host, sources, started_ns) VALUES (?, ?, ?, ?, ?)")
      .run(command, version, host, JSON.stringify(sources), nowNs());
    this.run = Number(lastInsertRowid);
    this.connections = new ConnectionRows(database);
    this.counts = new MinuteCounts(database, this.run);
    this.clients = new ClientSums(database);
    this.findings = new FindingRows(database);
    const sample = "INSERT INTO minute_samples (minute, run, name, labels, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT";
    this.statements = {
      begin: database.prepare("BEGIN IMMEDIATE"),
      commit: database.prepare("COMMIT"),
      rollback: database.prepare("ROLLBACK"),
      add: database.prepare(`${sample} DO UPDATE SET value = value + excluded.value`),
      set: database.prepare(`${sample} DO UPDATE SET value = excluded.value`),
      evidence: database.prepare(
        "INSERT INTO evidence (run, time_ns, connection, finding_key, note, packets, pcapng) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ),
      forgetEvidence: database.prepare("DELETE FROM evidence WHERE connection = ?"),
      unrelate: database.prepare("DELETE FROM finding_connections WHERE connection = ?"),
    };
  }

  /** Writes all of it or nothing. */
  write(items: readonly Item[]): void {
    const { begin, commit, rollback } = this.statements;
    const { kept } = this;
    begin.run();
    try {
      for (const item of items) this.put(item);
      this.counts.flush();
      this.clients.flush();
      commit.run();
    } catch (error) {
      // SQLite may have rolled back already, as it does on a full disk
      if (this.database.inTransaction) rollback.run();
      this.connections.reset();
      this.counts.reset();
      this.clients.reset();
      this.kept = kept;
      throw error;
    }
  }

  /** Minutes were taken out of the file: what is in memory would write them again. */
  forgetMinutes(): void {
    this.counts.reset();
  }

  describe({ topology, summary }: RunResult): void {
    const text = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
    this.database
      .prepare("UPDATE runs SET topology = coalesce(?, topology), summary = coalesce(?, summary) WHERE id = ?")
      .run(text(topology), text(summary), this.run);
  }

  /** @param dropped rows that found no room, in all */
  end(dropped: number): void {
    this.database.prepare("UPDATE runs SET ended_ns = ?, dropped = ? WHERE id = ?").run(nowNs(), dropped, this.run);
  }

  noteDropped(dropped: number): void {
    this.database.prepare("UPDATE runs SET dropped = ? WHERE id = ?").run(dropped, this.run);
  }

  private put(item: Item): void {
    switch (item.kind) {
      case "connection":
        this.putConnection(item.one);
        break;
      case "withdrawal":
        this.withdraw(item.one);
        break;
      case "sample": {
        const { minute, name, labels, value, how } = item.one;
        this.statements[how].run(minute, this.run, name, JSON.stringify(labels), value);
        break;
      }
      case "finding":
        this.findings.put(this.run, item.one);
        break;
      case "evidence":
        this.putEvidence(item.one);
    }
  }

  private putConnection(one: ConnectionToStore): void {
    const { before, isChanged } = this.connections.put(this.run, one);
    if (before === null) {
      this.kept++;
      this.counts.add(one);
      this.clients.count(one, 1);
    } else if (isChanged) {
      this.counts.replace(before, one);
      this.clients.count(before, -1);
      this.clients.count(one, 1);
    }
    const { id, start, end, outcome } = one.connection;
    const time = Number(end ?? start ?? Number.NaN);
    if (time > this.newestSeconds) this.newestSeconds = time;
    if (!one.pcapng || one.pcapng.length === 0 || Number.isNaN(time)) return;
    if (before !== null) this.statements.forgetEvidence.run(this.keyOf(id));
    this.putEvidence({ time, connection: id, findingKey: null, note: outcome, packets: null, pcapng: one.pcapng });
  }

  /** A connection that turned out to be a part of another is taken out as if it had never been told. */
  private withdraw(id: string): void {
    const key = this.keyOf(id);
    const before = key === null ? null : this.connections.take(key);
    if (before === null) return;
    this.kept--;
    this.counts.remove(before);
    this.clients.count(before, -1);
    this.statements.forgetEvidence.run(key);
    this.statements.unrelate.run(key);
  }

  private keyOf(id: string | null): number | null {
    const number = id === null ? null : connectionNumber(id);
    return number === null ? null : connectionKey(this.run, number);
  }

  private putEvidence({ time, connection, findingKey, note, packets, pcapng }: EvidenceToStore): void {
    const key = this.keyOf(connection);
    this.statements.evidence.run(this.run, nsOfSeconds(time) ?? nowNs(), key, findingKey, note, packets, pcapng);
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
