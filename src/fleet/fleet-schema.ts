import type { ClickHouse } from "./click-house.ts";
import { FleetError } from "./fleet-error.ts";

/** Of the tables; a change of them gets a new one, and says here how older ones are brought along. */
const VERSION = 1;

/**
 * One row for each connection as one host told it; `version` grows with what is known of it, and the newest one holds.
 * Times `*_ns` are nanoseconds of the epoch, durations nanoseconds; what was not seen is NULL, or '' in a text.
 * Why it is cut so: docs/decisions/0012.
 */
const CONNECTIONS = `
  host String,
  store String,
  run UInt32,
  number UInt32,
  version UInt64,
  start DateTime('UTC'),
  start_ns Int64,
  end_ns Int64,
  protocol String,
  client String,
  client_port UInt16,
  vip String,
  backend String,
  mode String,
  role String,
  health_check UInt8,
  outcome String,
  reset_by String,
  reset_cause String,
  reset_confidence Float32,
  bytes_up UInt64,
  bytes_down UInt64,
  packets_up UInt64,
  packets_down UInt64,
  retransmits_up UInt64,
  retransmits_down UInt64,
  handshake_ns Nullable(Int64),
  connect_ns Nullable(Int64),
  first_byte_ns Nullable(Int64),
  conn_state String,
  history String,
  join_confidence Float32,
  path_up Array(String),
  path_down Array(String),
  leg_points Array(String),
  leg_sources Array(String),
  leg_targets Array(String),
  leg_hops Array(String),
  community_ids Array(String)`;

const FINDINGS = `
  host String,
  store String,
  run UInt32,
  key String,
  version UInt64,
  finding String,
  severity String,
  state String,
  confidence Float32,
  title String,
  vip String,
  backend String,
  node String,
  member String,
  connections UInt32,
  opened_ns Nullable(Int64),
  last_ns Nullable(Int64),
  closed_ns Nullable(Int64),
  document String`;

const RUNS = `
  host String,
  store String,
  run UInt32,
  version UInt64,
  command String,
  l4scope String,
  sources Array(String),
  started_ns Int64,
  ended_ns Nullable(Int64),
  dropped UInt64,
  shipped DateTime('UTC')`;

/** A newer row takes the place of an older one of the same key; `FINAL` in a SELECT sees to it at once. */
const TABLES: Readonly<Record<string, { columns: string; engine: string }>> = {
  connections: {
    columns: CONNECTIONS,
    engine: "ReplacingMergeTree(version) PARTITION BY toYYYYMMDD(start) ORDER BY (store, run, number)",
  },
  findings: { columns: FINDINGS, engine: "ReplacingMergeTree(version) ORDER BY (store, run, key)" },
  runs: { columns: RUNS, engine: "ReplacingMergeTree(version) ORDER BY (store, run)" },
  schema_version: { columns: "version UInt32, since DateTime", engine: "ReplacingMergeTree(since) ORDER BY version" },
};

/** The tables that a question may read, in the order of docs/fleet.md. */
export const FLEET_TABLES: readonly string[] = ["connections", "findings", "runs"];

/** The columns of a table, as ClickHouse's types; what docs/fleet.md is held against. */
export function columnsOf(table: string): { name: string; type: string }[] {
  const lines = TABLES[table]?.columns.trim().split(/,\n/) ?? [];
  return lines.map((line) => {
    const [name = "", ...type] = line.trim().split(" ");
    return { name, type: type.join(" ") };
  });
}

/**
 * Makes the database and its tables where they are not there yet.
 *
 * @throws FleetError where they cannot be made, or are of a newer l4scope
 */
export async function ensureTables(server: ClickHouse): Promise<void> {
  const { database, url } = server.address;
  await server.command(`CREATE DATABASE IF NOT EXISTS ${database}`);
  for (const [name, { columns, engine }] of Object.entries(TABLES)) {
    await server.command(`CREATE TABLE IF NOT EXISTS ${database}.${name} (${columns}) ENGINE = ${engine}`);
  }
  const known = await server.select(`SELECT max(version) FROM ${database}.schema_version`, {
    timeoutSeconds: 10,
    rows: 1,
  });
  const version = Number(known.rows[0]?.[0] ?? 0);
  if (version > VERSION) {
    const line = `${url}: ${database} is of a newer l4scope (schema ${version}, this one knows ${VERSION}); update l4scope`;
    throw new FleetError(line, "run");
  }
  if (version < VERSION)
    await server.insert("schema_version", [{ version: VERSION, since: Math.floor(Date.now() / 1000) }]);
}
