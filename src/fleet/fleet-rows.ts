import { nsOfEpoch } from "../store/epoch-ns.ts";
import { splitEndpoint } from "../store/journey.ts";
import type { OutboxRow } from "../store/outbox.ts";
import { RUN_FACTOR, type StoredConnection } from "../store/stored-connection.ts";
import type { FleetRow } from "./click-house.ts";

/** Whose rows they are. */
export interface Sender {
  /** Name of the host where it was seen. */
  host: string;
  /** Tells stores apart, whatever they are called. */
  store: string;
}

/** @param version grows each time that the row is sent again */
export function connectionRow(
  { key, run, connection, firstByte }: StoredConnection,
  from: Sender,
  version: number,
): FleetRow {
  const { reset, bytes, packets, retransmits, path, legs } = connection;
  const client = splitEndpoint(connection.client);
  const start = nsOfEpoch(connection.start ?? connection.end) ?? 0n;
  return {
    host: from.host,
    store: from.store,
    run,
    number: key % RUN_FACTOR,
    version,
    start: Number(start / 1_000_000_000n),
    start_ns: String(start),
    end_ns: String(nsOfEpoch(connection.end) ?? start),
    protocol: connection.protocol,
    client: client.address,
    client_port: client.port ?? 0,
    vip: connection.vip,
    backend: connection.backend ?? "",
    mode: connection.mode ?? "",
    role: connection.role,
    health_check: connection.healthCheck ? 1 : 0,
    outcome: connection.outcome,
    reset_by: reset?.by ?? "",
    reset_cause: reset?.cause ?? "",
    reset_confidence: reset?.confidence ?? 0,
    bytes_up: bytes.up,
    bytes_down: bytes.down,
    packets_up: packets.up,
    packets_down: packets.down,
    retransmits_up: retransmits.up,
    retransmits_down: retransmits.down,
    handshake_ns: nanoseconds(connection.handshake),
    connect_ns: nanoseconds(connection.connectToBackend),
    first_byte_ns: nanoseconds(firstByte),
    conn_state: connection.connState,
    history: connection.history,
    join_confidence: connection.joinConfidence,
    path_up: path.up,
    path_down: path.down,
    leg_points: legs.map(({ observationPoint }) => observationPoint),
    leg_sources: legs.map(({ src }) => src),
    leg_targets: legs.map(({ dst }) => dst),
    leg_hops: legs.map(({ hop }) => hop ?? ""),
    community_ids: connection.communityId,
  };
}

export function findingRow(row: OutboxRow, from: Sender, version: number): FleetRow {
  return {
    host: from.host,
    store: from.store,
    run: number(row, "run"),
    key: text(row, "key"),
    version,
    finding: text(row, "finding"),
    severity: text(row, "severity"),
    state: text(row, "state"),
    confidence: number(row, "confidence"),
    title: text(row, "title"),
    vip: text(row, "vip"),
    backend: text(row, "backend"),
    node: text(row, "node"),
    member: text(row, "member"),
    connections: number(row, "connections"),
    opened_ns: wide(row, "opened_ns"),
    last_ns: wide(row, "last_ns"),
    closed_ns: wide(row, "closed_ns"),
    document: text(row, "document"),
  };
}

/** @param shipped epoch seconds */
export function runRow(row: OutboxRow, from: Sender, version: number, shipped: number): FleetRow {
  return {
    host: from.host,
    store: from.store,
    run: number(row, "id"),
    version,
    command: text(row, "command"),
    l4scope: text(row, "version"),
    sources: JSON.parse(text(row, "sources")) as string[],
    started_ns: wide(row, "started_ns"),
    ended_ns: wide(row, "ended_ns"),
    dropped: number(row, "dropped"),
    shipped,
  };
}

function text(row: OutboxRow, column: string): string {
  const value = row[column];
  return value === null || value === undefined ? "" : String(value);
}

function number(row: OutboxRow, column: string): number {
  return Number(row[column] ?? 0);
}

/** Nanoseconds of the epoch, which no double holds. */
function wide(row: OutboxRow, column: string): string | null {
  const value = row[column];
  return value === null || value === undefined ? null : String(value);
}

function nanoseconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 1e9);
}
