import type { TimeBase } from "../../capture/time-base.ts";
import type { ConnectionDocument } from "../analysis-contract.ts";
import { connectionDocument } from "../connection-document.ts";
import type { LegList } from "../leg-list.ts";

type Cell = (one: ConnectionDocument) => string | number | null | undefined;

/** Columns by name, from the same documents as JSON gives. */
const COLUMNS = {
  id: (one) => one.id,
  protocol: (one) => one.protocol,
  client: (one) => one.client,
  vip: (one) => one.vip,
  backend: (one) => one.backend,
  start: (one) => one.start,
  end: (one) => one.end,
  outcome: (one) => one.outcome,
  conn_state: (one) => one.connState,
  history: (one) => one.history,
  bytes_up: (one) => one.bytes.up,
  bytes_down: (one) => one.bytes.down,
  packets_up: (one) => one.packets.up,
  packets_down: (one) => one.packets.down,
  retransmits_up: (one) => one.retransmits.up,
  retransmits_down: (one) => one.retransmits.down,
  handshake: (one) => one.handshake,
  reset_cause: (one) => one.reset?.cause,
  community_id: (one) => one.communityId[0],
} satisfies Record<string, Cell>;

const { id, protocol, client, vip, backend, ...rest } = COLUMNS;
const ends = { id, protocol, client, vip, backend };

const LEG_COLUMNS: Readonly<Record<string, Cell>> = {
  ...ends,
  observation_point: (one) => one.legs[0]?.observationPoint,
  encapsulation: (one) => one.legs[0]?.encapsulation.join(" > "),
  ...rest,
};

const CONNECTION_COLUMNS: Readonly<Record<string, Cell>> = {
  ...ends,
  mode: (one) => one.mode,
  role: (one) => (one.healthCheck ? "health-check" : one.role),
  path_up: (one) => one.path.up.join(" > "),
  path_down: (one) => one.path.down.join(" > "),
  ...rest,
  connect_to_backend: (one) => one.connectToBackend,
  reset_by: (one) => one.reset?.by,
  join_confidence: (one) => one.joinConfidence,
};

const LINES_AT_ONCE = 500;

/** Legs as CSV, see `csvOf`. */
export function flowCsv(list: LegList, places: readonly number[], timeBase: TimeBase): Generator<string> {
  return csvOf(LEG_COLUMNS, places, (place) => connectionDocument(list.at(place), timeBase));
}

/** Connections as CSV, see `csvOf`. */
export function connectionCsv<Row>(
  connections: readonly Row[],
  documentOf: (connection: Row) => ConnectionDocument,
): Generator<string> {
  return csvOf(CONNECTION_COLUMNS, connections, documentOf);
}

/**
 * CSV with a header: quoted as RFC 4180 says, lines ended by LF as Unix tools expect. What is not known is an empty
 * field.
 *
 * @returns pieces of whole lines, without the last line's end.
 */
function* csvOf<Row>(
  columns: Readonly<Record<string, Cell>>,
  rows: readonly Row[],
  documentOf: (row: Row) => ConnectionDocument,
): Generator<string> {
  const cells = Object.values(columns);
  let lines = [Object.keys(columns).join(",")];
  for (const row of rows) {
    const document = documentOf(row);
    lines.push(cells.map((cell) => csvField(cell(document))).join(","));
    if (lines.length < LINES_AT_ONCE) continue;
    yield lines.join("\n");
    lines = [];
  }
  if (lines.length > 0) yield lines.join("\n");
}

/** RFC 4180 2.5 to 2.7. */
export function csvField(value: string | number | null | undefined): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
