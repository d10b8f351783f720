import { openForWriting } from "./open-store.ts";
import { type Pruned, Pruner } from "./prune.ts";
import { RunRows } from "./run-rows.ts";
import { isBusy, isDiskTrouble, type Sqlite, storeErrorOf } from "./sqlite.ts";
import type { EvidenceToStore, FindingToStore, KeepLimits, MinuteSample, RunFacts, RunResult } from "./store-input.ts";
import type { ConnectionToStore } from "./stored-connection.ts";
import { WaitingItems, type WaitingLimits } from "./waiting-items.ts";

export interface WriterOptions {
  /** What is held for at most this long before it is committed; 1 unless told. */
  commitEverySeconds?: number;
  /** What waits while the disk is full, at most; beyond it the oldest is dropped and counted. */
  maxWaiting?: WaitingLimits;
  /** Takes the oldest out by itself, a little at a time. */
  keep?: KeepLimits;
  /** Once when writing begins to fail, and once when it goes on: a line for the user. */
  onNotice?: (line: string) => void;
  /** After something was taken out. */
  onPruned?: (pruned: Pruned) => void;
}

/** What a writer did so far. */
export interface WriterStats {
  /** In the file, of this run. */
  connections: number;
  evidence: number;
  findings: number;
  samples: number;
  /** Connections, evidence and samples that found no room. */
  dropped: number;
  waiting: number;
  /** The line that says why nothing is written now; null where all is well. */
  trouble: string | null;
}

const ROWS_PER_COMMIT = 5000;
const DEFAULT_WAITING: WaitingLimits = { rows: 50_000, bytes: 64 * 1024 * 1024 };
const PRUNE_EVERY_MS = 10_000;
const PRUNE_BUDGET_MS = 100;

/**
 * Writes one run into a store: in batches, a commit each second at the latest, so that a killed process loses no more
 * than that. Where the disk is full it keeps what fits into memory, drops the oldest beyond, and goes on when there is
 * room. Several processes may write the same file.
 */
export class StoreWriter {
  readonly path: string;
  private readonly database: Sqlite;
  private readonly options: WriterOptions;
  private readonly rows: RunRows;
  private readonly pruner: Pruner;
  private readonly waiting = new WaitingItems();
  private readonly done = { evidence: 0, findings: 0, samples: 0, dropped: 0 };
  private droppedNoted = 0;
  private timer: NodeJS.Timeout | null = null;
  private prunedAt = Number.NEGATIVE_INFINITY;
  private trouble: string | null = null;
  private isClosed = false;

  /**
   * Opens or makes a store and begins a run in it.
   *
   * @throws StoreError in a line, where that is not possible.
   */
  static async open(path: string, facts: RunFacts, options: WriterOptions = {}): Promise<StoreWriter> {
    const database = await openForWriting(path);
    try {
      return new StoreWriter(path, database, facts, options);
    } catch (error) {
      database.close();
      throw storeErrorOf(path, error);
    }
  }

  private constructor(path: string, database: Sqlite, facts: RunFacts, options: WriterOptions) {
    this.path = path;
    this.database = database;
    this.options = options;
    this.rows = new RunRows(database, facts);
    this.pruner = new Pruner(database, this.rows.run);
  }

  /** The run's number in the store. */
  get run(): number {
    return this.rows.run;
  }

  get stats(): WriterStats {
    return { connections: this.rows.kept, ...this.done, waiting: this.waiting.length, trouble: this.trouble };
  }

  /**
   * Connections as they stand: one that comes again under its name takes the place of what was told of it. Packets that
   * come with one are kept as its evidence.
   */
  addConnections(batch: readonly ConnectionToStore[]): void {
    for (const one of batch) this.waiting.push({ kind: "connection", one });
    this.afterAdding();
  }

  /** Takes out connections by their names: two turned out to be one. */
  withdrawConnections(ids: readonly string[]): void {
    for (const one of ids) this.waiting.push({ kind: "withdrawal", one });
    this.afterAdding();
  }

  /** Numbers that connections do not tell; what they do tell of their minutes is counted as they are written. */
  addMinutes(samples: readonly MinuteSample[]): void {
    for (const one of samples) this.waiting.push({ kind: "sample", one });
    this.afterAdding();
  }

  /** Findings that opened, changed or closed. */
  addFindings(findings: readonly FindingToStore[]): void {
    for (const one of findings) this.waiting.push({ kind: "finding", one });
    this.afterAdding();
  }

  addEvidence(evidence: readonly EvidenceToStore[]): void {
    for (const one of evidence) this.waiting.push({ kind: "evidence", one });
    this.afterAdding();
  }

  /** What the run came to, as far as it is known. Written at once. */
  describe(result: RunResult): void {
    this.guarded(() => this.rows.describe(result));
  }

  /**
   * Commits all that waits. @returns false where the disk would not take it; it then waits for the next time.
   *
   * @throws StoreError where the store is damaged or gone.
   */
  flush(): boolean {
    this.stopTimer();
    while (this.waiting.length > 0) {
      const batch = this.waiting.first(ROWS_PER_COMMIT);
      if (!this.guarded(() => this.rows.write(batch))) {
        this.dropBeyondLimits();
        this.startTimer();
        return false;
      }
      this.waiting.remove(batch.length);
      for (const { kind } of batch) if (kind in COUNTED_AS) this.done[COUNTED_AS[kind as keyof typeof COUNTED_AS]]++;
    }
    this.recovered();
    this.pruneSometimes();
    return true;
  }

  /** Takes out what is too old or too much, for at most `budgetMs`; null where the disk would not let it. */
  prune(limits: KeepLimits, budgetMs = PRUNE_BUDGET_MS): Pruned | null {
    // a capture's clock that runs ahead must not empty the store
    const now = Math.min(Date.now() / 1000, this.rows.newestSeconds);
    const result: { pruned: Pruned | null } = { pruned: null };
    this.guarded(() => {
      result.pruned = this.pruner.prune(limits, now, budgetMs);
    });
    if (result.pruned !== null && result.pruned.minutes > 0) this.rows.forgetMinutes();
    return result.pruned;
  }

  /** Writes what waits, ends the run and closes the file. Safe to call twice. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      this.flush();
      this.done.dropped += this.waiting.length;
      this.guarded(() => this.rows.end(this.done.dropped));
    } finally {
      this.stopTimer();
      this.waiting.remove(this.waiting.length);
      this.database.close();
    }
  }

  private afterAdding(): void {
    // the timer alone would wait for a thread that is busy adding
    const isDue = this.waiting.waitedMs >= this.periodMs() || this.waiting.length >= ROWS_PER_COMMIT;
    if (this.trouble !== null) this.dropBeyondLimits();
    else if (isDue) this.flush();
    this.startTimer();
  }

  /** Runs something that writes; a disk that takes nothing now is told and no error. @returns whether it was done */
  private guarded(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      const told = storeErrorOf(this.path, error);
      if (!isDiskTrouble(error) && !isBusy(error)) throw told;
      const line = told instanceof Error ? told.message : String(told);
      if (this.trouble === null) this.options.onNotice?.(`${line}; new rows wait in memory, the oldest are dropped`);
      this.trouble = line;
      return false;
    }
  }

  private recovered(): void {
    const { dropped } = this.done;
    if (dropped > this.droppedNoted && this.guarded(() => this.rows.noteDropped(dropped))) this.droppedNoted = dropped;
    if (this.trouble === null) return;
    this.trouble = null;
    this.options.onNotice?.(`${this.path}: writing again; ${dropped} rows were dropped so far`);
  }

  private dropBeyondLimits(): void {
    this.done.dropped += this.waiting.dropBeyond(this.options.maxWaiting ?? DEFAULT_WAITING);
  }

  private pruneSometimes(): void {
    const { keep, onPruned } = this.options;
    if (keep === undefined || this.isClosed || performance.now() - this.prunedAt < PRUNE_EVERY_MS) return;
    const pruned = this.prune(keep);
    if (pruned === null) return;
    this.prunedAt = pruned.more ? Number.NEGATIVE_INFINITY : performance.now();
    if (pruned.connections + pruned.minutes + pruned.evidence + pruned.findings > 0) onPruned?.(pruned);
  }

  private periodMs(): number {
    return (this.options.commitEverySeconds ?? 1) * 1000;
  }

  private startTimer(): void {
    if (this.timer !== null || this.isClosed || this.waiting.length === 0) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.flush();
    }, this.periodMs());
    // what waits is written by close(); it need not keep the process
    this.timer.unref();
  }

  private stopTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

const COUNTED_AS = {
  sample: "samples",
  finding: "findings",
  evidence: "evidence",
} as const;
