import type { Statement } from "better-sqlite3";
import type { Outcome } from "../flow/leg-outcome.ts";
import type { ConnectionDocument } from "../report/analysis-contract.ts";
import { minuteOf, nsOfEpoch } from "./epoch-ns.ts";
import { balancerSource, splitEndpoint } from "./journey.ts";
import type { Sqlite } from "./sqlite.ts";
import type { ConnectionToStore } from "./stored-connection.ts";
import { TimeBuckets } from "./time-buckets.ts";

/** VIP and backend pairs that a minute keeps apart; a scan of a whole network goes to `other`. */
const MAX_PAIRS = 4000;
/** Minutes whose counts stay in memory behind the newest one; what comes later still is added to what is in the file. */
const MINUTES_KEPT = 5;
const OTHER = "other";
/** Where nothing shows a backend. */
export const NO_BACKEND = "?";

const COUNTS = [
  "opened",
  "ok",
  "refused",
  "reset",
  "timeout",
  "open",
  "bytes_up",
  "bytes_down",
  "packets_up",
  "packets_down",
  "retransmits_up",
  "retransmits_down",
  "checks_ok",
  "checks_failed",
] as const;
type Counts = Record<(typeof COUNTS)[number], number>;

interface Cell {
  minute: number;
  vip: string;
  backend: string;
  protocol: string;
  counts: Counts;
  connect: TimeBuckets;
  firstByte: TimeBuckets;
}

interface ResetCell {
  minute: number;
  vip: string;
  backend: string;
  by: string;
  cause: string;
  resets: number;
}

interface PortCell {
  minute: number;
  address: string;
  backend: string;
  connections: number;
  /** Distinct ports that the file knows of; those in memory may be fewer after a restart of the counting. */
  ports: number;
  seen: Set<number>;
}

/**
 * What happened in each minute, counted from the connections as they are written: what began by its start, everything
 * else by its end. Cells are held for the newest minutes and written as they stand, so that writing them twice does no
 * harm.
 */
export class MinuteCounts {
  private readonly run: number;
  private readonly cells = new Map<string, Cell>();
  private readonly resets = new Map<string, ResetCell>();
  private readonly ports = new Map<string, PortCell>();
  private readonly pairs = new Map<number, Set<string>>();
  private readonly dirty = { cells: new Set<Cell>(), resets: new Set<ResetCell>(), ports: new Set<PortCell>() };
  private newest = Number.NEGATIVE_INFINITY;
  private readonly read: { cell: Statement; reset: Statement; port: Statement };
  private readonly write: { cell: Statement; reset: Statement; port: Statement };

  constructor(database: Sqlite, run: number) {
    this.run = run;
    const places = (count: number) => new Array(count).fill("?").join(", ");
    this.read = {
      cell: database.prepare(
        "SELECT * FROM minutes WHERE minute = ? AND run = ? AND vip = ? AND backend = ? AND protocol = ?",
      ),
      reset: database
        .prepare(
          "SELECT resets FROM minute_resets WHERE minute = ? AND run = ? AND vip = ? AND backend = ? AND by = ? AND cause = ?",
        )
        .pluck(),
      port: database.prepare(
        "SELECT connections, ports FROM minute_ports WHERE minute = ? AND run = ? AND address = ? AND backend = ?",
      ),
    };
    const columns = ["minute", "run", "vip", "backend", "protocol", ...COUNTS, "connect_times", "first_byte_times"];
    this.write = {
      cell: database.prepare(
        `INSERT OR REPLACE INTO minutes (${columns.join(", ")}) VALUES (${places(columns.length)})`,
      ),
      reset: database.prepare(`INSERT OR REPLACE INTO minute_resets VALUES (${places(7)})`),
      port: database.prepare(`INSERT OR REPLACE INTO minute_ports VALUES (${places(6)})`),
    };
  }

  add({ connection, firstByte }: ConnectionToStore): void {
    const start = nsOfEpoch(connection.start);
    const end = nsOfEpoch(connection.end) ?? start;
    if (start === null || end === null) return;
    const { healthCheck, role, outcome, vip } = connection;
    const ended = this.cell(minuteOf(end), connection);
    if (healthCheck) {
      ended.counts[outcome === "ok" ? "checks_ok" : "checks_failed"]++;
      return;
    }
    if (role !== "client") return;
    this.cell(minuteOf(start), connection).counts.opened++;
    this.countEnd(ended, connection, outcome, firstByte ?? null);
    const { reset } = connection;
    if (reset !== null && (outcome === "reset" || outcome === "refused")) {
      this.resetCell(ended.minute, vip, ended.backend, reset.by, reset.cause).resets++;
    }
    this.countPort(ended.minute, connection);
  }

  /** Writes what changed; within the transaction that writes the connections. */
  flush(): void {
    const { run } = this;
    for (const { minute, vip, backend, protocol, counts, connect, firstByte } of this.dirty.cells) {
      const numbers = COUNTS.map((name) => counts[name]);
      this.write.cell.run(minute, run, vip, backend, protocol, ...numbers, connect.text(), firstByte.text());
    }
    for (const { minute, vip, backend, by, cause, resets } of this.dirty.resets) {
      this.write.reset.run(minute, run, vip, backend, by, cause, resets);
    }
    for (const { minute, address, backend, connections, ports, seen } of this.dirty.ports) {
      this.write.port.run(minute, run, address, backend, connections, Math.max(ports, seen.size));
    }
    for (const set of Object.values(this.dirty)) set.clear();
    this.forgetOld();
  }

  /** Forgets what is in memory, where the transaction failed: what the file says is what holds. */
  reset(): void {
    for (const map of [this.cells, this.resets, this.ports, this.pairs]) map.clear();
    for (const set of Object.values(this.dirty)) set.clear();
  }

  private countEnd(
    { counts, connect, firstByte: firstBytes }: Cell,
    connection: ConnectionDocument,
    outcome: Outcome,
    firstByte: number | null,
  ): void {
    counts[outcome]++;
    const { bytes, packets, retransmits, connectToBackend, handshake } = connection;
    counts.bytes_up += bytes.up;
    counts.bytes_down += bytes.down;
    counts.packets_up += packets.up;
    counts.packets_down += packets.down;
    counts.retransmits_up += retransmits.up;
    counts.retransmits_down += retransmits.down;
    const accepted = connectToBackend ?? handshake;
    if (accepted !== null) connect.add(accepted);
    if (firstByte !== null) firstBytes.add(firstByte);
  }

  private countPort(minute: number, connection: ConnectionDocument): void {
    const source = balancerSource(connection);
    if (source === null) return;
    const { address, port } = splitEndpoint(source);
    const backend = connection.backend ?? NO_BACKEND;
    const key = `${minute} ${address} ${backend}`;
    let cell = this.ports.get(key);
    if (cell === undefined) {
      const stored = this.read.port.get(minute, this.run, address, backend) as
        | { connections: number; ports: number }
        | undefined;
      cell = { minute, address, backend, connections: 0, ports: 0, ...stored, seen: new Set() };
      this.ports.set(key, cell);
    }
    cell.connections++;
    if (port !== null) cell.seen.add(port);
    this.dirty.ports.add(cell);
  }

  private cell(minute: number, connection: ConnectionDocument): Cell {
    let { vip } = connection;
    let backend = connection.backend ?? (connection.healthCheck ? vip : NO_BACKEND);
    const { protocol } = connection;
    if (!this.fits(minute, `${vip} ${backend} ${protocol}`)) [vip, backend] = [OTHER, OTHER];
    const key = `${minute} ${vip} ${backend} ${protocol}`;
    let cell = this.cells.get(key);
    if (cell === undefined) {
      this.newest = Math.max(this.newest, minute);
      const stored = this.read.cell.get(minute, this.run, vip, backend, protocol) as
        | Record<string, unknown>
        | undefined;
      const counts = Object.fromEntries(COUNTS.map((name) => [name, Number(stored?.[name] ?? 0)])) as Counts;
      const times = (name: string) => TimeBuckets.parse((stored?.[name] as string | null | undefined) ?? null);
      const [connect, firstByte] = [times("connect_times"), times("first_byte_times")];
      cell = { minute, vip, backend, protocol, counts, connect, firstByte };
      this.cells.set(key, cell);
    }
    this.dirty.cells.add(cell);
    return cell;
  }

  private resetCell(minute: number, vip: string, backend: string, by: string, cause: string): ResetCell {
    const place = backend === OTHER ? OTHER : vip;
    const key = `${minute} ${place} ${backend} ${by} ${cause}`;
    let cell = this.resets.get(key);
    if (cell === undefined) {
      const stored = this.read.reset.get(minute, this.run, place, backend, by, cause) as number | undefined;
      cell = { minute, vip: place, backend, by, cause, resets: stored ?? 0 };
      this.resets.set(key, cell);
    }
    this.dirty.resets.add(cell);
    return cell;
  }

  private fits(minute: number, pair: string): boolean {
    let pairs = this.pairs.get(minute);
    if (pairs === undefined) {
      pairs = new Set();
      this.pairs.set(minute, pairs);
    }
    if (pairs.size < MAX_PAIRS) pairs.add(pair);
    return pairs.has(pair);
  }

  private forgetOld(): void {
    const oldest = this.newest - MINUTES_KEPT * 60;
    for (const map of [this.cells, this.resets, this.ports] as Map<string, { minute: number }>[]) {
      for (const [key, { minute }] of map) if (minute < oldest) map.delete(key);
    }
    for (const minute of this.pairs.keys()) if (minute < oldest) this.pairs.delete(minute);
  }
}
