import type { Statement } from "better-sqlite3";
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
  /** How many of its connections have a port. */
  seen: Map<number, number>;
}

/**
 * What happened in each minute, counted from the connections as they are written: what began by its start, everything
 * else by its end. What changes of a connection is taken back and counted anew, so that minutes always say what the
 * connections say. Cells are held for the newest minutes and written as they stand: writing them twice does no harm.
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
  private readonly clear: { cell: Statement; reset: Statement; port: Statement };

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
    this.clear = {
      cell: database.prepare(
        "DELETE FROM minutes WHERE minute = ? AND run = ? AND vip = ? AND backend = ? AND protocol = ?",
      ),
      reset: database.prepare(
        "DELETE FROM minute_resets WHERE minute = ? AND run = ? AND vip = ? AND backend = ? AND by = ? AND cause = ?",
      ),
      port: database.prepare("DELETE FROM minute_ports WHERE minute = ? AND run = ? AND address = ? AND backend = ?"),
    };
  }

  add(one: ConnectionToStore): void {
    this.count(one, 1, true);
  }

  /** Takes back what was added: a connection as its row says. */
  remove(one: ConnectionToStore): void {
    this.count(one, -1, true);
  }

  /** What is told of a connection now in the place of what its row said. */
  replace(before: ConnectionToStore, now: ConnectionToStore): void {
    // the minute in which it began may be out of the store by now, and need not come back
    const hasMoved = openingOf(before) !== openingOf(now);
    this.count(before, -1, hasMoved);
    this.count(now, 1, hasMoved);
  }

  /** Writes what changed; within the transaction that writes the connections. */
  flush(): void {
    const { run } = this;
    for (const { minute, vip, backend, protocol, counts, connect, firstByte } of this.dirty.cells) {
      const numbers = COUNTS.map((name) => counts[name]);
      if (numbers.every((number) => number === 0)) this.clear.cell.run(minute, run, vip, backend, protocol);
      else this.write.cell.run(minute, run, vip, backend, protocol, ...numbers, connect.text(), firstByte.text());
    }
    for (const { minute, vip, backend, by, cause, resets } of this.dirty.resets) {
      if (resets === 0) this.clear.reset.run(minute, run, vip, backend, by, cause);
      else this.write.reset.run(minute, run, vip, backend, by, cause, resets);
    }
    for (const { minute, address, backend, connections, ports, seen } of this.dirty.ports) {
      if (connections === 0) this.clear.port.run(minute, run, address, backend);
      else {
        const distinct = Math.min(connections, Math.max(ports, seen.size));
        this.write.port.run(minute, run, address, backend, connections, distinct);
      }
    }
    for (const set of Object.values(this.dirty)) set.clear();
    this.forgetOld();
  }

  /** Forgets what is in memory, where the transaction failed: what the file says is what holds. */
  reset(): void {
    for (const map of [this.cells, this.resets, this.ports, this.pairs]) map.clear();
    for (const set of Object.values(this.dirty)) set.clear();
  }

  private count({ connection, firstByte }: ConnectionToStore, by: 1 | -1, withOpening: boolean): void {
    const start = nsOfEpoch(connection.start);
    const end = nsOfEpoch(connection.end) ?? start;
    if (start === null || end === null) return;
    const { healthCheck, role, outcome, vip } = connection;
    const ended = this.cell(minuteOf(end), connection);
    if (healthCheck) {
      raise(ended.counts, outcome === "ok" ? "checks_ok" : "checks_failed", by);
      return;
    }
    if (role !== "client") return;
    if (withOpening) raise(this.cell(minuteOf(start), connection).counts, "opened", by);
    this.countEnd(ended, connection, firstByte ?? null, by);
    const { reset } = connection;
    if (reset !== null && (outcome === "reset" || outcome === "refused")) {
      raise(this.resetCell(ended.minute, vip, ended.backend, reset.by, reset.cause), "resets", by);
    }
    this.countPort(ended.minute, connection, by);
  }

  private countEnd(
    { counts, connect, firstByte: firstBytes }: Cell,
    { outcome, bytes, packets, retransmits, connectToBackend, handshake }: ConnectionDocument,
    firstByte: number | null,
    by: 1 | -1,
  ): void {
    raise(counts, outcome, by);
    raise(counts, "bytes_up", by * bytes.up);
    raise(counts, "bytes_down", by * bytes.down);
    raise(counts, "packets_up", by * packets.up);
    raise(counts, "packets_down", by * packets.down);
    raise(counts, "retransmits_up", by * retransmits.up);
    raise(counts, "retransmits_down", by * retransmits.down);
    countTime(connect, connectToBackend ?? handshake, by);
    countTime(firstBytes, firstByte, by);
  }

  private countPort(minute: number, connection: ConnectionDocument, by: 1 | -1): void {
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
      cell = { minute, address, backend, connections: 0, ports: 0, ...stored, seen: new Map() };
      this.ports.set(key, cell);
    }
    raise(cell, "connections", by);
    if (port !== null) {
      const uses = (cell.seen.get(port) ?? 0) + by;
      if (uses > 0) cell.seen.set(port, uses);
      else cell.seen.delete(port);
    }
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

/** What it depends on in which minute and where a connection counts as opened. */
function openingOf({ connection: { start, vip, backend, protocol, role, healthCheck } }: ConnectionToStore): string {
  return `${start === null ? "" : minuteOf(nsOfEpoch(start) ?? 0n)} ${vip} ${backend} ${protocol} ${role} ${healthCheck}`;
}

/** Raises or lowers a count; never below nothing, where what is taken back was counted in a row that is gone. */
function raise<Name extends string>(counts: Record<Name, number>, name: Name, by: number): void {
  counts[name] = Math.max(0, counts[name] + by);
}

/** As the row has it, in whole nanoseconds, so that the same is taken back that was added. */
function countTime(times: TimeBuckets, seconds: number | null, by: 1 | -1): void {
  if (seconds === null) return;
  const rounded = Math.round(seconds * 1e9) / 1e9;
  if (by === 1) times.add(rounded);
  else times.remove(rounded);
}
