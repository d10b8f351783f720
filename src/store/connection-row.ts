import type { Statement } from "better-sqlite3";
import type { ConnectionDocument } from "../report/analysis-contract.ts";
import { nsOfEpoch } from "./epoch-ns.ts";
import { type Journey, joinEndpoint, journeyOf, splitEndpoint, withJourney } from "./journey.ts";
import type { Sqlite } from "./sqlite.ts";
import {
  type ConnectionToStore,
  connectionIdOf,
  connectionKey,
  connectionNumber,
  RUN_FACTOR,
  type StoredConnection,
} from "./stored-connection.ts";
import { StoredJourneys } from "./stored-journeys.ts";

/** Columns that are written, in the order of their values. */
const COLUMNS = [
  "id",
  "start_ns",
  "end_ns",
  "protocol",
  "client",
  "client_port",
  "vip",
  "backend",
  "mode",
  "role",
  "health_check",
  "outcome",
  "reset_by",
  "reset_cause",
  "reset_confidence",
  "bytes_up",
  "bytes_down",
  "packets_up",
  "packets_down",
  "retransmits_up",
  "retransmits_down",
  "handshake_ns",
  "connect_ns",
  "first_byte_ns",
  "conn_state",
  "history",
  "join_confidence",
  "journey",
  "addresses",
] as const;

/** Columns of indexes by which a connection keeps its place: where one of them changes, its row is made anew. */
const PLACING: readonly string[] = ["id", "start_ns", "client", "vip", "health_check"];

type Column = (typeof COLUMNS)[number];
/** In the order of COLUMNS. */
type Values = readonly (string | number | bigint | null)[];

/** What became of a connection that was put. */
export interface PutConnection {
  /** As it was told before; null where it is new. */
  before: ConnectionToStore | null;
  /** False where all of it was known already. */
  isChanged: boolean;
}

/** Puts connections into their table, and the ways they took into theirs. */
export class ConnectionRows {
  private readonly read: Statement;
  private readonly insert: Statement;
  private readonly update: Statement;
  private readonly delete: Statement;
  private readonly findJourney: Statement;
  private readonly insertJourney: Statement;
  private readonly journeys = new Map<string, number>();
  /** Of connections that were told again. */
  private readonly stored: StoredJourneys;

  constructor(database: Sqlite) {
    const refined = COLUMNS.filter((name) => !PLACING.includes(name));
    this.read = database.prepare(`SELECT ${READ_COLUMNS} FROM connections AS c WHERE c.id = ?`);
    this.insert = database.prepare(
      `INSERT OR IGNORE INTO connections (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`,
    );
    this.update = database.prepare(
      `UPDATE connections SET ${refined.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`,
    );
    this.delete = database.prepare("DELETE FROM connections WHERE id = ?");
    this.findJourney = database.prepare("SELECT id FROM journeys WHERE document = ?").pluck();
    this.insertJourney = database.prepare("INSERT INTO journeys (document) VALUES (?)");
    this.stored = new StoredJourneys(database);
  }

  /** Puts a connection in the place of what was told of it before. */
  put(run: number, one: ConnectionToStore): PutConnection {
    const values = this.valuesOf(run, one);
    if (this.insert.run(...values).changes > 0) return { before: null, isChanged: true };
    const key = values[0];
    const row = this.read.get(key) as ConnectionRow;
    const differing = COLUMNS.filter((name, place) => !isSame(row, name, values[place] ?? null));
    const before = this.connectionOf(row);
    if (differing.length === 0) return { before, isChanged: false };
    if (differing.some((name) => PLACING.includes(name))) {
      this.delete.run(key);
      this.insert.run(...values);
    } else this.update.run(...values.filter((_, place) => !PLACING.includes(COLUMNS[place]!)), key);
    return { before, isChanged: true };
  }

  /** Takes a connection out. @returns what was told of it; null where there is none */
  take(key: number): ConnectionToStore | null {
    const row = this.read.get(key) as ConnectionRow | undefined;
    if (row === undefined) return null;
    this.delete.run(key);
    return this.connectionOf(row);
  }

  /** Forgets the numbers given within a transaction that failed. */
  reset(): void {
    this.journeys.clear();
    this.stored.reset();
  }

  private valuesOf(run: number, { connection, firstByte = null }: ConnectionToStore): Values {
    const number = connectionNumber(connection.id);
    if (number === null) throw new Error(`not the name of a connection: ${connection.id}`);
    const { journey, addresses } = journeyOf(connection);
    const { client, bytes, packets, retransmits, reset } = connection;
    const end = splitEndpoint(client);
    return [
      connectionKey(run, number),
      nsOfEpoch(connection.start),
      nsOfEpoch(connection.end),
      connection.protocol,
      end.address,
      end.port,
      connection.vip,
      connection.backend,
      connection.mode,
      connection.role,
      connection.healthCheck ? 1 : 0,
      connection.outcome,
      reset?.by ?? null,
      reset?.cause ?? null,
      reset?.confidence ?? null,
      bytes.up,
      bytes.down,
      packets.up,
      packets.down,
      retransmits.up,
      retransmits.down,
      nanoseconds(connection.handshake),
      nanoseconds(connection.connectToBackend),
      nanoseconds(firstByte),
      connection.connState,
      connection.history,
      connection.joinConfidence,
      this.journeyId(JSON.stringify(journey)),
      addresses.length === 0 ? null : JSON.stringify(addresses),
    ];
  }

  private connectionOf(row: ConnectionRow): ConnectionToStore {
    return connectionOfRow(row, this.stored.of(Number(row.journey)), { withRun: false, communityIds: false });
  }

  private journeyId(document: string): number {
    let id = this.journeys.get(document);
    if (id === undefined) {
      id = this.findJourney.get(document) as number | undefined;
      id ??= Number(this.insertJourney.run(document).lastInsertRowid);
      // many, where a capture's names or MACs differ for each connection
      if (this.journeys.size >= MAX_JOURNEYS_IN_MEMORY) this.journeys.clear();
      this.journeys.set(document, id);
    }
    return id;
  }
}

/** Whether a row says the same in a column. */
function isSame(row: ConnectionRow, name: Column, value: Values[number]): boolean {
  if (name === "id") return true;
  if (name !== "start_ns" && name !== "end_ns") return row[name] === value;
  const [whole, fraction] = name === "start_ns" ? [row.start_s, row.start_fraction] : [row.end_s, row.end_fraction];
  if (typeof whole !== "number" || typeof value !== "bigint") return whole === value;
  return BigInt(whole) * 1_000_000_000n + BigInt(Number(fraction)) === value;
}

const MAX_JOURNEYS_IN_MEMORY = 10_000;

/** What is read of a connection's row: times in two parts, since no double holds nanoseconds of the epoch. */
export const READ_COLUMNS = `c.id AS key, c.start_ns / 1000000000 AS start_s, c.start_ns % 1000000000 AS start_fraction,
 c.end_ns / 1000000000 AS end_s, c.end_ns % 1000000000 AS end_fraction,
 ${COLUMNS.filter((name) => name !== "start_ns" && name !== "end_ns" && name !== "id")
   .map((name) => `c.${name}`)
   .join(", ")}`;

/** A row as READ_COLUMNS gives it. */
export type ConnectionRow = Record<string, string | number | null>;

export interface RowOptions {
  /** Names it `r2/c17` instead of `c17`. */
  withRun: boolean;
  /** False leaves Community IDs out, which take longer than all else together. */
  communityIds: boolean;
}

/** The connection of a row, as the contract prints it. */
export function connectionOfRow(
  row: ConnectionRow,
  journey: Journey,
  { withRun, communityIds }: RowOptions,
): StoredConnection {
  const text = (name: string) => row[name] as string;
  const number = (name: string) => row[name] as number;
  const upDown = (name: string) => ({ up: number(`${name}_up`), down: number(`${name}_down`) });
  const key = number("key");
  const protocol = text("protocol") as ConnectionDocument["protocol"];
  const client = joinEndpoint(text("client"), row.client_port as number | null);
  const ends = { client, vip: text("vip"), backend: row.backend as string | null, protocol };
  const addresses = row.addresses === null ? [] : (JSON.parse(text("addresses")) as string[]);
  const { path, legs, communityId } = withJourney(ends, { journey, addresses }, communityIds);
  const by = row.reset_by as NonNullable<ConnectionDocument["reset"]>["by"] | null;
  const cause = row.reset_cause as NonNullable<ConnectionDocument["reset"]>["cause"];
  const connection: ConnectionDocument = {
    id: connectionIdOf(key, withRun),
    protocol,
    client,
    vip: ends.vip,
    backend: ends.backend,
    mode: row.mode as ConnectionDocument["mode"],
    start: epoch(row.start_s, row.start_fraction),
    end: epoch(row.end_s, row.end_fraction),
    outcome: text("outcome") as ConnectionDocument["outcome"],
    healthCheck: row.health_check === 1,
    role: text("role") as ConnectionDocument["role"],
    bytes: upDown("bytes"),
    packets: upDown("packets"),
    retransmits: upDown("retransmits"),
    handshake: seconds(row.handshake_ns),
    connectToBackend: seconds(row.connect_ns),
    reset: by === null ? null : { by, cause, confidence: number("reset_confidence") },
    path,
    legs,
    communityId,
    connState: text("conn_state"),
    history: text("history"),
    joinConfidence: number("join_confidence"),
  };
  return { key, run: Math.floor(key / RUN_FACTOR), connection, firstByte: seconds(row.first_byte_ns) };
}

function epoch(whole: unknown, fraction: unknown): string | null {
  return typeof whole === "number" ? `${whole}.${String(fraction).padStart(9, "0")}` : null;
}

function seconds(ns: unknown): number | null {
  return typeof ns === "number" ? ns / 1e9 : null;
}

/** better-sqlite3 binds a whole double as REAL, which a STRICT column takes as the same integer. */
function nanoseconds(durationSeconds: number | null): number | null {
  return durationSeconds === null ? null : Math.round(durationSeconds * 1e9);
}
