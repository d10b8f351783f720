import { setTimeout as sleep } from "node:timers/promises";
import { Outbox, type OutboxBatch } from "../store/outbox.ts";
import { ClickHouse } from "./click-house.ts";
import type { FleetAddress } from "./fleet-address.ts";
import { FleetError } from "./fleet-error.ts";
import { connectionRow, findingRow, runRow } from "./fleet-rows.ts";
import { ensureTables } from "./fleet-schema.ts";

export interface ShipOptions {
  /** Under this name; the one that the store has, unless told. */
  host?: string;
  /** Goes on with what is written from now on, and waits for a server that is away. */
  follow?: boolean;
  /** Stops by itself after so many seconds. */
  durationSeconds?: number;
  /** What waits is gathered for so long, where it is less than a batch; 5 unless told. */
  everySeconds?: number;
  /** A connection is sent when it has not changed for so long; 20 unless told. */
  settledSeconds?: number;
  /** At most so many rows at once; 5,000 unless told. */
  batchRows?: number;
  /** Once when the server goes away, and once when it is back: a line for the user. */
  onNotice?: (line: string) => void;
}

/** What was sent so far. */
export interface ShipStats {
  connections: number;
  findings: number;
  /** Rows that the store gave up before they could be sent. */
  gone: number;
  /** Rows that still wait. */
  waiting: number;
  /** The line that says why nothing is sent now; null where all is well. */
  trouble: string | null;
}

const LONGEST_PAUSE_SECONDS = 30;
/** What waits when it ends is sent for so long at most; the rest is for the next time. */
const LAST_ROWS_SECONDS = 10;
/** A host of which nothing is new says so often that it is there. */
const HEARTBEAT_SECONDS = 30;

/**
 * Sends what a store has to the fleet, and then what it gets, in batches, each until it has arrived: a server that is
 * stopped, or a process that is killed, costs no row and doubles none. While the server is away rows wait in the store,
 * for as long as the store keeps them.
 */
export class Shipper {
  private readonly outbox: Outbox;
  private readonly server: ClickHouse;
  private readonly options: ShipOptions;
  private readonly stopped = new AbortController();
  private readonly sent = { connections: 0, findings: 0, gone: 0 };
  private trouble: string | null = null;
  private isReady = false;
  private running: Promise<void> = Promise.resolve();
  private newestRun: number | null = null;
  private newestVersion = 0;

  /** @throws StoreError where the store cannot be opened for writing: its queue is kept in it */
  static async open(path: string, address: FleetAddress, options: ShipOptions = {}): Promise<Shipper> {
    const server = await ClickHouse.of(address);
    return new Shipper(await Outbox.open(path, options.settledSeconds), server, options);
  }

  private constructor(outbox: Outbox, server: ClickHouse, options: ShipOptions) {
    this.outbox = outbox;
    this.server = server;
    this.options = options;
  }

  get stats(): ShipStats {
    return { ...this.sent, waiting: this.outbox.length, trouble: this.trouble };
  }

  /**
   * Sends until nothing waits; where it follows, until `stop`.
   *
   * @throws FleetError where the server refuses, or is away and nobody said to follow
   */
  async run(): Promise<void> {
    const { follow, everySeconds = 5, durationSeconds } = this.options;
    const end = durationSeconds === undefined ? null : setTimeout(() => this.stop(), durationSeconds * 1000).unref();
    this.running = this.sendOn(follow === true, everySeconds);
    try {
      await this.running;
    } finally {
      if (end !== null) clearTimeout(end);
    }
  }

  private async sendOn(follow: boolean, everySeconds: number): Promise<void> {
    let pauseSeconds = 1;
    let heardAt = performance.now();
    while (!this.stopped.signal.aborted) {
      try {
        const rows = await this.sendBatch();
        if (rows > 0) heardAt = performance.now();
        pauseSeconds = 1;
        if (rows >= this.batchRows) continue;
        if (!follow) return;
        if (performance.now() - heardAt > HEARTBEAT_SECONDS * 1000) {
          heardAt = performance.now();
          await this.sendRun(this.newestRun, this.newestVersion);
        }
        this.recovered();
        await this.pause(everySeconds);
      } catch (error) {
        if (!follow || !(error instanceof FleetError) || error.kind !== "away") throw error;
        this.away(error.message);
        await this.pause(pauseSeconds);
        pauseSeconds = Math.min(pauseSeconds * 2, LONGEST_PAUSE_SECONDS);
      }
    }
  }

  /** Ends `run` after the batch that is on its way. */
  stop(): void {
    this.stopped.abort();
  }

  /** Ends `run`, sends what still waits where the server is there, and lets go of both. @returns what was sent in all */
  async close(): Promise<ShipStats> {
    this.stop();
    try {
      await this.running;
      const deadline = performance.now() + LAST_ROWS_SECONDS * 1000;
      if (this.isReady) while ((await this.sendBatch()) >= this.batchRows && performance.now() < deadline);
    } catch {
      // it waits in the store for the next time; what ended `run` is told by `run`
    }
    const { stats } = this;
    this.outbox.close();
    await this.server.close();
    return stats;
  }

  private get batchRows(): number {
    return this.options.batchRows ?? 5000;
  }

  /** @returns how many rows were waiting, at most a batch */
  private async sendBatch(): Promise<number> {
    if (!this.isReady) {
      await ensureTables(this.server);
      this.isReady = true;
    }
    const batch = this.outbox.take(this.batchRows);
    const { connections, findings, gone, entries } = batch;
    if (entries.length === 0) return 0;
    await this.send(batch);
    // only now: what is sent twice replaces itself, what is never sent is lost
    this.outbox.done(batch);
    this.sent.connections += connections.length;
    this.sent.findings += findings.length;
    this.sent.gone += gone;
    this.recovered();
    return entries.length;
  }

  private async send({ connections, findings, runs, last }: OutboxBatch): Promise<void> {
    const senders = new Map(runs.map((run) => [run, this.senderOf(run)]));
    const senderOf = (run: number) => senders.get(run) ?? this.senderOf(run);
    await this.server.insert(
      "connections",
      connections.map(({ version, connection }) => connectionRow(connection, senderOf(connection.run), version)),
    );
    await this.server.insert(
      "findings",
      findings.map(({ version, row }) => findingRow(row, senderOf(Number(row.run)), version)),
    );
    for (const run of runs) await this.sendRun(run, last);
  }

  private async sendRun(run: number | null, version: number): Promise<void> {
    const row = run === null ? null : this.outbox.runOf(run);
    if (run === null || row === null) return;
    this.newestRun = Math.max(run, this.newestRun ?? 0);
    this.newestVersion = version;
    await this.server.insert("runs", [runRow(row, this.senderOf(run), version, Math.floor(Date.now() / 1000))]);
  }

  private senderOf(run: number): { host: string; store: string } {
    const host = this.options.host ?? this.outbox.runOf(run)?.host ?? "?";
    return { host: String(host), store: this.outbox.store };
  }

  private away(line: string): void {
    if (this.trouble === null) this.options.onNotice?.(`${line}; rows wait in the store`);
    this.trouble = line;
    // it may come back empty
    this.isReady = false;
  }

  private recovered(): void {
    if (this.trouble === null) return;
    this.trouble = null;
    this.options.onNotice?.(`${this.server.address.url}: sending again`);
  }

  private async pause(seconds: number): Promise<void> {
    // stopping ends the pause, and is no error
    await sleep(seconds * 1000, undefined, { signal: this.stopped.signal }).catch(() => {});
  }
}
