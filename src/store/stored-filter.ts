import { isChosen } from "../report/finding-choice.ts";
import { type AddressMatch, matchesAddress } from "../report/flows/address-match.ts";
import type { ConnectionSelection } from "../report/flows/connection-list.ts";
import { isPoint } from "../report/flows/leg-filter.ts";
import { addressText, endpointText, parseAddress, parseEndpoint } from "../topology/address.ts";
import { type Journey, splitEndpoint } from "./journey.ts";
import type { StoreReader } from "./store-reader.ts";
import type { StoreWindow } from "./store-window.ts";
import { RUN_FACTOR } from "./stored-connection.ts";

/** Which connections of a store are wanted. */
export interface StoredSelection extends ConnectionSelection {
  /** By their starts; null for all. */
  window: StoreWindow | null;
  /** Of this run only; null for all. */
  run: number | null;
}

/** A condition of SQL on the table `connections AS c`, and its values in order. */
export interface Condition {
  sql: string;
  values: (string | number | bigint)[];
}

/** The condition that lets through what is wanted. */
export function conditionOf(
  { filter, window, run }: StoredSelection,
  journeys: ReadonlyMap<number, Journey>,
  reader: StoreReader,
): Condition {
  const parts: Condition[] = [];
  const add = (sql: string, ...values: Condition["values"]) => parts.push({ sql, values });
  const oneOf = (column: string, values: readonly (string | number)[] | undefined) => {
    if (values) add(`${column} IN (${values.map(() => "?").join(", ")})`, ...values);
  };
  if (window !== null) add("c.start_ns >= ? AND c.start_ns < ?", window.from, window.to);
  if (run !== null) add("c.id BETWEEN ? AND ?", run * RUN_FACTOR, (run + 1) * RUN_FACTOR - 1);
  if (filter.protocol !== undefined) add("c.protocol = ?", filter.protocol);
  if (filter.clientsOnly) add("c.health_check = 0 AND c.role = 'client'");
  if (filter.withResets) add("c.reset_by IS NOT NULL");
  if (filter.withRetransmits) add("c.retransmits_up + c.retransmits_down > 0");
  if (filter.minBytes !== undefined) add("c.bytes_up + c.bytes_down >= ?", filter.minBytes);
  oneOf("c.outcome", filter.outcome);
  oneOf("c.conn_state", filter.state);
  const matches = new Matcher(reader);
  const client = (list: readonly AddressMatch[]) => anyOf(list.map((match) => matches.client(match)));
  const endpoint = (column: string, list: readonly AddressMatch[]) =>
    anyOf(list.map((match) => matches.endpoint(column, match)));
  if (filter.client) parts.push(client(filter.client));
  if (filter.vip) parts.push(endpoint("c.vip", filter.vip));
  if (filter.backend) parts.push(endpoint("c.backend", filter.backend));
  if (filter.host) {
    parts.push(anyOf([client(filter.host), endpoint("c.vip", filter.host), endpoint("c.backend", filter.host)]));
  }
  if (filter.port) parts.push(anyOf(filter.port.map((port) => matches.port(port))));
  const travelled = (isWanted: (point: string) => boolean) => {
    const ids = [...journeys].filter(([, { legs }]) => legs.some(({ point }) => isWanted(point))).map(([id]) => id);
    // numbers of our own: there may be more than a statement takes values
    add(`c.journey IN (${ids.join(", ")})`);
  };
  const { point, node, finding } = filter;
  if (point) travelled((name) => point.some((given) => isPoint(given, name)));
  if (node) travelled((name) => node.includes(nodeOf(name)));
  if (finding) {
    const ids = reader
      .read("SELECT DISTINCT finding FROM findings")
      .map((row) => String(row.finding))
      .filter((id) => isChosen(id, { only: finding }));
    const places = ids.map(() => "?").join(", ");
    const named = `SELECT id FROM findings WHERE finding IN (${places})`;
    add(`c.id IN (SELECT connection FROM finding_connections WHERE finding IN (${named}))`, ...ids);
  }
  return allOf(parts);
}

/** The node of an observation point. */
export function nodeOf(point: string): string {
  return point.split(":")[0] ?? point;
}

/** Conditions on addresses; what no plain comparison can say calls back. */
class Matcher {
  private readonly matches: AddressMatch[] = [];

  constructor(reader: StoreReader) {
    const verdicts = new Map<string, number>();
    reader.define("l4_matches", (place: number, text: string | null) => {
      if (text === null) return 0;
      const key = `${place} ${text}`;
      let verdict = verdicts.get(key);
      if (verdict === undefined) {
        verdict = this.isMatch(place, text) ? 1 : 0;
        if (verdicts.size > VERDICTS_KEPT) verdicts.clear();
        verdicts.set(key, verdict);
      }
      return verdict;
    });
    reader.define("l4_port", (text: string | null) => (text === null ? null : splitEndpoint(text).port));
  }

  client(match: AddressMatch): Condition {
    const condition: Condition = isExact(match)
      ? { sql: "c.client = ?", values: [addressText(match.words)] }
      : { sql: `l4_matches(${this.place({ ...match, port: null })}, c.client)`, values: [] };
    return match.port === null ? condition : allOf([condition, { sql: "c.client_port = ?", values: [match.port] }]);
  }

  endpoint(column: string, match: AddressMatch): Condition {
    if (isExact(match) && match.port !== null) {
      return { sql: `${column} = ?`, values: [endpointText({ address: match.words, port: match.port })] };
    }
    return { sql: `l4_matches(${this.place(match)}, ${column})`, values: [] };
  }

  port(port: number): Condition {
    return { sql: "(c.client_port = ? OR l4_port(c.vip) = ? OR l4_port(c.backend) = ?)", values: [port, port, port] };
  }

  private place(match: AddressMatch): number {
    return this.matches.push(match) - 1;
  }

  private isMatch(place: number, text: string): boolean {
    const match = this.matches[place];
    const endpoint = parseEndpoint(text);
    const words = endpoint?.address ?? parseAddress(text);
    return match !== undefined && words !== null && matchesAddress(match, words, endpoint?.port ?? 0);
  }
}

const VERDICTS_KEPT = 100_000;

function isExact({ prefixBits }: AddressMatch): boolean {
  return prefixBits === 128;
}

function anyOf(conditions: readonly Condition[]): Condition {
  return joined(conditions, " OR ", "0");
}

function allOf(conditions: readonly Condition[]): Condition {
  return joined(conditions, " AND ", "1");
}

function joined(conditions: readonly Condition[], word: string, none: string): Condition {
  if (conditions.length === 0) return { sql: none, values: [] };
  return {
    sql: `(${conditions.map(({ sql }) => sql).join(word)})`,
    values: conditions.flatMap(({ values }) => values),
  };
}
