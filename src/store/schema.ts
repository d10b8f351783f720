/** `L4SC` in the header of the file: tells our stores from other SQLite databases. */
export const APPLICATION_ID = 0x4c345343;

/** One step of the schema; applied once, in a transaction of its own, and never changed after a release. */
export interface Migration {
  /** The schema's version after it: 1 for the first. */
  version: number;
  sql: string;
}

/**
 * Times `*_ns` are nanoseconds of the epoch, `minute` is the epoch second in which a minute begins. Addresses are
 * texts as the contract prints them. What each table and column says: docs/store.md, which a test holds against this.
 * Why it is cut so: docs/decisions/0007.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  version TEXT NOT NULL,
  host TEXT NOT NULL,
  sources TEXT NOT NULL,
  started_ns INTEGER NOT NULL,
  ended_ns INTEGER,
  topology TEXT,
  summary TEXT,
  dropped INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE journeys (
  id INTEGER PRIMARY KEY,
  document TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE connections (
  id INTEGER PRIMARY KEY,
  run INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  number INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
  start_ns INTEGER,
  end_ns INTEGER,
  protocol TEXT NOT NULL,
  client TEXT NOT NULL,
  client_port INTEGER,
  vip TEXT NOT NULL,
  backend TEXT,
  mode TEXT,
  role TEXT NOT NULL,
  health_check INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  reset_by TEXT,
  reset_cause TEXT,
  reset_confidence REAL,
  bytes_up INTEGER NOT NULL,
  bytes_down INTEGER NOT NULL,
  packets_up INTEGER NOT NULL,
  packets_down INTEGER NOT NULL,
  retransmits_up INTEGER NOT NULL,
  retransmits_down INTEGER NOT NULL,
  handshake_ns INTEGER,
  connect_ns INTEGER,
  first_byte_ns INTEGER,
  conn_state TEXT NOT NULL,
  history TEXT NOT NULL,
  join_confidence REAL NOT NULL,
  journey INTEGER NOT NULL REFERENCES journeys (id),
  addresses TEXT
) STRICT;
CREATE INDEX connections_by_start ON connections (start_ns);
CREATE INDEX connections_by_vip ON connections (vip, start_ns);
CREATE INDEX connections_by_client ON connections (client, start_ns, health_check, outcome, bytes_up, bytes_down);

CREATE TABLE minutes (
  minute INTEGER NOT NULL,
  run INTEGER NOT NULL,
  vip TEXT NOT NULL,
  backend TEXT NOT NULL,
  protocol TEXT NOT NULL,
  opened INTEGER NOT NULL,
  ok INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  reset INTEGER NOT NULL,
  timeout INTEGER NOT NULL,
  open INTEGER NOT NULL,
  bytes_up INTEGER NOT NULL,
  bytes_down INTEGER NOT NULL,
  packets_up INTEGER NOT NULL,
  packets_down INTEGER NOT NULL,
  retransmits_up INTEGER NOT NULL,
  retransmits_down INTEGER NOT NULL,
  checks_ok INTEGER NOT NULL,
  checks_failed INTEGER NOT NULL,
  connect_times TEXT,
  first_byte_times TEXT,
  PRIMARY KEY (minute, run, vip, backend, protocol)
) STRICT, WITHOUT ROWID;

CREATE TABLE minute_resets (
  minute INTEGER NOT NULL,
  run INTEGER NOT NULL,
  vip TEXT NOT NULL,
  backend TEXT NOT NULL,
  by TEXT NOT NULL,
  cause TEXT NOT NULL,
  resets INTEGER NOT NULL,
  PRIMARY KEY (minute, run, vip, backend, by, cause)
) STRICT, WITHOUT ROWID;

CREATE TABLE minute_ports (
  minute INTEGER NOT NULL,
  run INTEGER NOT NULL,
  address TEXT NOT NULL,
  backend TEXT NOT NULL,
  connections INTEGER NOT NULL,
  ports INTEGER NOT NULL,
  PRIMARY KEY (minute, run, address, backend)
) STRICT, WITHOUT ROWID;

CREATE TABLE minute_samples (
  minute INTEGER NOT NULL,
  run INTEGER NOT NULL,
  name TEXT NOT NULL,
  labels TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (name, minute, run, labels)
) STRICT, WITHOUT ROWID;
CREATE INDEX minute_samples_by_minute ON minute_samples (minute);

CREATE TABLE findings (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  key TEXT NOT NULL,
  finding TEXT NOT NULL,
  severity TEXT NOT NULL,
  worst TEXT NOT NULL,
  state TEXT NOT NULL,
  confidence REAL NOT NULL,
  title TEXT NOT NULL,
  vip TEXT,
  backend TEXT,
  node TEXT,
  member TEXT,
  connections INTEGER NOT NULL,
  opened_ns INTEGER,
  last_ns INTEGER,
  closed_ns INTEGER,
  document TEXT NOT NULL,
  UNIQUE (run, key)
) STRICT;
CREATE INDEX findings_by_last ON findings (last_ns);

CREATE TABLE finding_connections (
  finding INTEGER NOT NULL,
  connection INTEGER NOT NULL,
  PRIMARY KEY (finding, connection)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_connections_by_connection ON finding_connections (connection);

CREATE TABLE evidence (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  connection INTEGER,
  finding_key TEXT,
  note TEXT NOT NULL,
  packets INTEGER,
  pcapng BLOB NOT NULL
) STRICT;
CREATE INDEX evidence_by_connection ON evidence (connection);
CREATE INDEX evidence_by_time ON evidence (time_ns);
`,
  },
  {
    version: 2,
    sql: `
CREATE TABLE clients (
  client TEXT PRIMARY KEY,
  connections INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  bytes_up INTEGER NOT NULL,
  bytes_down INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO clients
SELECT client, count(*), sum(outcome IN ('refused', 'reset', 'timeout')), sum(bytes_up), sum(bytes_down)
FROM connections WHERE health_check = 0 AND start_ns IS NOT NULL GROUP BY client;
`,
  },
];
