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

/** Puts connections into their table, and the ways they took into theirs. */
export class ConnectionRows {
  private readonly insert: Statement;
  private readonly findJourney: Statement;
  private readonly insertJourney: Statement;
  private readonly journeys = new Map<string, number>();

  constructor(database: Sqlite) {
    this.insert = database.prepare(
      `INSERT OR IGNORE INTO connections (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`,
    );
    this.findJourney = database.prepare("SELECT id FROM journeys WHERE document = ?").pluck();
    this.insertJourney = database.prepare("INSERT INTO journeys (document) VALUES (?)");
  }

  /** @returns false where the run has a connection of that name already: a connection is told once. */
  add(run: number, { connection, firstByte = null }: ConnectionToStore): boolean {
    const number = connectionNumber(connection.id);
    if (number === null) throw new Error(`not the name of a connection: ${connection.id}`);
    const { journey, addresses } = journeyOf(connection);
    const { client, bytes, packets, retransmits, reset } = connection;
    const end = splitEndpoint(client);
    const { changes } = this.insert.run(
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
    );
    return changes > 0;
  }

  /** Forgets the numbers given within a transaction that failed. */
  reset(): void {
    this.journeys.clear();
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
