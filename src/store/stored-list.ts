import type { ConnectionDocument } from "../report/analysis-contract.ts";
import { isChosen, knownIds } from "../report/finding-choice.ts";
import { type ConnectionLine, connectionTable } from "../report/flows/connection-table.ts";
import { connectionCsv } from "../report/flows/flow-csv.ts";
import type { FlowsDocument } from "../report/flows/flow-document.ts";
import { isPoint } from "../report/flows/leg-filter.ts";
import type { SortKey } from "../report/flows/leg-sort.ts";
import type { Page } from "../report/text/page.ts";
import { type ConnectionRow, connectionOfRow, READ_COLUMNS } from "./connection-row.ts";
import { nsOfEpoch } from "./epoch-ns.ts";
import type { Journey } from "./journey.ts";
import { StoreReader } from "./store-reader.ts";
import { type StoreWindow, type WindowWords, windowOf } from "./store-window.ts";
import { RUN_FACTOR, type StoredConnection } from "./stored-connection.ts";
import { conditionOf, nodeOf, type StoredSelection } from "./stored-filter.ts";
import { writeStoredPackets } from "./stored-packets.ts";

const KEYS: Readonly<Record<SortKey, string>> = {
  start: "c.start_ns",
  duration: "c.end_ns - c.start_ns",
  bytes: "c.bytes_up + c.bytes_down",
  packets: "c.packets_up + c.packets_down",
  retransmits: "c.retransmits_up + c.retransmits_down",
  handshake: "c.handshake_ns",
  "first-byte": "c.first_byte_ns",
};

/**
 * Opens a store for a list of its connections, of one part of its time and of one run where asked. The store stays open
 * as long as the process: the connections of a document are read as it is written.
 *
 * @throws StoreError in a line, where the store cannot be read or the window makes no sense.
 */
export async function withStoredConnections<T>(
  path: string,
  words: WindowWords & { run?: number | undefined },
  print: (list: StoredConnectionList, part: Pick<StoredSelection, "window" | "run">) => Promise<T>,
): Promise<T> {
  const reader = await StoreReader.open(path);
  const isWhole = words.from === undefined && words.to === undefined && words.last === undefined;
  const window = isWhole ? null : windowOf(words, words.last === undefined ? null : reader.newest());
  return print(new StoredConnectionList(reader), { window, run: words.run ?? null });
}

/** The connections of a store that were asked for, in the order asked for: what ConnectionList is to captures. */
export class StoredConnectionList {
  private readonly reader: StoreReader;
  private readonly journeys: ReadonlyMap<number, Journey>;
  private readonly points: readonly string[];
  private keys: readonly number[] = [];
  private matched = 0;
  private total = 0;
  private withRun = false;

  constructor(reader: StoreReader) {
    this.reader = reader;
    // one state of the store from here on, whatever is written or taken out meanwhile
    reader.beginSnapshot();
    this.journeys = readJourneys(reader);
    const legs = [...this.journeys.values()].flatMap((journey) => journey.legs);
    this.points = [...new Set(legs.map(({ point }) => point))].sort();
  }

  /** Why a selection makes no sense for this store, in a line; null where it does. */
  objectionTo({ filter, run }: StoredSelection): string | null {
    const point = filter.point?.find((name) => !this.points.some((known) => isPoint(name, known)));
    if (point !== undefined) {
      return `--point ${point}: no such observation point; there are ${this.points.join(", ") || "none"}`;
    }
    const nodes = [...new Set(this.points.map(nodeOf))];
    const node = filter.node?.find((name) => !nodes.includes(name));
    if (node !== undefined) return `--node ${node}: no such node; there are ${nodes.join(", ") || "none"}`;
    const finding = filter.finding?.find((id) => !knownIds().some((known) => isChosen(known, { only: [id] })));
    if (finding !== undefined) return `--finding ${finding}: no such finding; l4scope explain lists them`;
    const runs = this.reader.read("SELECT id FROM runs ORDER BY id").map(({ id }) => Number(id));
    if (run === null || runs.includes(run)) return null;
    return `--run ${run}: no such run; there are ${runs.join(", ") || "none"}`;
  }

  select(selection: StoredSelection): void {
    const { sort, reverse, limit } = selection;
    const { sql, values } = conditionOf(selection, this.journeys, this.reader);
    const direction = (sort === "start") === !reverse ? "ASC" : "DESC";
    const most = Number.isFinite(limit) ? limit : -1;
    const order = `ORDER BY ${KEYS[sort]} ${direction} NULLS LAST, c.id`;
    this.keys = this.reader
      .read(`SELECT c.id AS id FROM connections AS c WHERE ${sql} ${order} LIMIT ${most}`, ...values)
      .map(({ id }) => Number(id));
    const count = (where: string, ...given: typeof values) =>
      Number(this.reader.read(`SELECT count(*) AS count FROM connections AS c ${where}`, ...given)[0]?.count ?? 0);
    this.matched = most < 0 ? this.keys.length : count(`WHERE ${sql}`, ...values);
    this.total = count("");
    this.withRun = new Set(this.keys.map((key) => Math.floor(key / RUN_FACTOR))).size > 1;
  }

  /** How many were selected. */
  get size(): number {
    return this.keys.length;
  }

  /** Writes what packets were kept of those selected. @returns of how many of them there were any */
  writePackets(path: string): number {
    return writeStoredPackets(path, this.reader, this.keys);
  }

  /** What was selected, read as it is asked for. */
  *chosen(): Generator<StoredConnection> {
    for (const key of this.keys) yield this.at(key);
  }

  table(page: Page): string {
    const options = { matched: this.matched, total: this.total, startTitle: "start (UTC)" };
    return connectionTable([...this.chosen()].map(lineOf), options, page);
  }

  /** Pieces of whole lines. */
  csv(): Generator<string> {
    return connectionCsv(this.keys, (key) => this.at(key).connection);
  }

  document(): FlowsDocument {
    const connections = this.keys.map((key) => ({ toJSON: () => this.at(key).connection }));
    return { schema: "l4scope.flows/1", of: "connections", total: this.total, matched: this.matched, connections };
  }

  private at(key: number): StoredConnection {
    const [row] = this.reader.read(`SELECT ${READ_COLUMNS} FROM connections AS c WHERE c.id = ?`, key);
    const journey = this.journeys.get(Number(row?.journey));
    if (row === undefined || journey === undefined) throw new Error(`connection ${key} is not in ${this.reader.path}`);
    return connectionOfRow(row as ConnectionRow, journey, { withRun: this.withRun, communityIds: true });
  }
}

/** Connections that were open for longer before a window are not looked for: all that is older would be read. */
const LONGEST_NS = 86_400_000_000_000n;

/**
 * Connections of clients that were there within a window, the newest first, at most so many; without run and Community
 * IDs.
 */
export function* clientsWithin(
  reader: StoreReader,
  { from, to }: StoreWindow,
  limit: number,
): Generator<StoredConnection> {
  const journeys = readJourneys(reader);
  const rows = reader.iterate(
    `SELECT ${READ_COLUMNS} FROM connections AS c
     WHERE c.start_ns < ? AND c.start_ns >= ? AND c.end_ns >= ? AND c.health_check = 0 AND c.role = 'client' ORDER BY c.start_ns DESC LIMIT ?`,
    to,
    from - LONGEST_NS,
    from,
    limit,
  );
  for (const row of rows) {
    const journey = journeys.get(Number(row.journey));
    if (journey !== undefined) {
      yield connectionOfRow(row as ConnectionRow, journey, { withRun: false, communityIds: false });
    }
  }
}

function readJourneys(reader: StoreReader): Map<number, Journey> {
  const rows = reader.read("SELECT id, document FROM journeys");
  return new Map(rows.map(({ id, document }) => [Number(id), JSON.parse(String(document)) as Journey]));
}

function lineOf({ connection, firstByte }: StoredConnection): ConnectionLine {
  const { start, end, connectToBackend, retransmits, legs } = connection;
  const nodes = legs.map(({ observationPoint }) => nodeOf(observationPoint));
  return {
    ...connection,
    start: dateOf(start),
    lasts: secondsBetween(start, end),
    connect: connectToBackend ?? Number.NaN,
    firstByte: firstByte ?? Number.NaN,
    retransmits: retransmits.up + retransmits.down,
    path: nodes.filter((name, i) => name !== nodes[i - 1]),
  };
}

/** `2026-11-20 14:07:41.627`, UTC. */
function dateOf(start: ConnectionDocument["start"]): string {
  if (start === null) return "-";
  const [seconds, fraction = ""] = start.split(".");
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");
  return `${date}.${fraction.slice(0, 3)}`;
}

function secondsBetween(start: string | null, end: string | null): number {
  const [from, to] = [nsOfEpoch(start), nsOfEpoch(end)];
  return from === null || to === null ? Number.NaN : Number(to - from) / 1e9;
}
