import { type AnswerValue, timeValue } from "../store/answer.ts";
import type { Asked } from "../store/ask-store.ts";
import type { AnswerColumn } from "../store/questions/question.ts";
import { type WindowWords, windowOf } from "../store/store-window.ts";
import { canonicalEndpoint, canonicalMac } from "../topology/address.ts";
import { ClickHouse, type FleetResult } from "./click-house.ts";
import type { FleetAddress } from "./fleet-address.ts";
import { FleetError } from "./fleet-error.ts";
import { JOURNEY, journeyOf } from "./fleet-journey.ts";
import { fleetQuestionNamed } from "./fleet-questions.ts";
import { columnsOf, FLEET_TABLES } from "./fleet-schema.ts";

/** What a question to the fleet is narrowed by, as the user said it. */
export interface AskFleetOptions extends WindowWords {
  host?: string | undefined;
  vip?: string | undefined;
  backend?: string | undefined;
  /** `IP:PORT` of a client. */
  flow?: string | undefined;
  limit?: number | undefined;
  /** Seconds. */
  step?: number | undefined;
  timeoutSeconds: number;
}

const NARROWING = ["from", "to", "last", "host", "vip", "backend", "flow", "limit", "step"] as const;
const OF_TIME = ["from", "to", "last"];
const SQL_ROWS = 10_000;

/**
 * Answers a question with a name, `schema`, or a SELECT of ClickHouse's SQL, of all hosts that send to a fleet store.
 *
 * @throws FleetError in a line: no such question, a flag it does not listen to, a server that is away or refuses;
 *   StoreError for a window that makes no sense
 */
export async function askFleet(address: FleetAddress, asked: string, options: AskFleetOptions): Promise<Asked> {
  const name = asked.trim();
  if (name === "schema") return { question: name, answer: { ...SCHEMA, truncated: false } };
  const server = await ClickHouse.of(address);
  try {
    if (!/^[a-z-]+$/.test(name)) return await askSql(server, asked, options);
    return name === JOURNEY.id ? await askJourney(server, options) : await askNamed(server, name, options);
  } finally {
    await server.close();
  }
}

const SCHEMA = {
  columns: ["table", "column", "type"].map((name) => ({ name, title: name })),
  rows: FLEET_TABLES.flatMap((table) => columnsOf(table).map(({ name, type }) => [table, name, type])),
};

async function askNamed(server: ClickHouse, name: string, options: AskFleetOptions): Promise<Asked> {
  const question = fleetQuestionNamed(name);
  if (question === null) {
    throw new FleetError(`${name}: no such question to a fleet; l4scope query --list --fleet URL shows them`, "input");
  }
  refuseUnheard(options, [...OF_TIME, ...question.narrowing], name);
  const limit = options.limit ?? question.limit;
  const sql = question.sql({
    database: server.address.database,
    window: windowOf(options, await newestOf(server, options)),
    host: options.host ?? null,
    vip: endpointOf("--vip", options.vip),
    backend: endpointOf("--backend", options.backend),
    limit: limit + 1,
    stepSeconds: options.step ?? 60,
  });
  const { rows } = await server.select(sql, { timeoutSeconds: options.timeoutSeconds, rows: limit + 1 });
  return { question: name, answer: answerOf(question.columns, rows, limit) };
}

async function askJourney(server: ClickHouse, options: AskFleetOptions): Promise<Asked> {
  refuseUnheard(options, [...OF_TIME, "flow"], JOURNEY.id);
  if (options.flow === undefined) throw new FleetError("journey: name the client with --flow IP:PORT", "input");
  const flow = endpointOf("--flow", options.flow) ?? options.flow;
  const rows = await journeyOf(server, flow, windowOf(options, await newestOf(server, options)));
  return { question: JOURNEY.id, answer: answerOf(JOURNEY.columns, rows, Number.POSITIVE_INFINITY) };
}

async function askSql(server: ClickHouse, sql: string, options: AskFleetOptions): Promise<Asked> {
  refuseUnheard(options, ["limit"], "SQL");
  const { limit = SQL_ROWS, timeoutSeconds } = options;
  const { columns, rows } = await server.select(sql, { timeoutSeconds, rows: limit }).catch((error: unknown) => {
    // the statement is the user's
    if (!(error instanceof FleetError) || error.kind !== "refused") throw error;
    throw new FleetError(
      `SQL: ${error.message} (l4scope query --schema --fleet URL shows tables and columns)`,
      "input",
    );
  });
  return {
    question: null,
    answer: answerOf(
      columns.map(({ name }) => ({ name, title: name })),
      rows,
      limit,
    ),
  };
}

/** The end of the newest connection that any host sent, for `--last`. */
async function newestOf(server: ClickHouse, { last }: AskFleetOptions): Promise<bigint | null> {
  if (last === undefined) return null;
  const { rows }: FleetResult = await server.select(`SELECT max(end_ns) FROM ${server.address.database}.connections`, {
    timeoutSeconds: 60,
    rows: 1,
  });
  const newest = BigInt(String(rows[0]?.[0] ?? "0"));
  return newest === 0n ? null : newest;
}

function answerOf(
  columns: readonly AnswerColumn[],
  rows: readonly (readonly unknown[])[],
  limit: number,
): Asked["answer"] {
  const kept = rows.slice(0, Math.min(limit, rows.length));
  return {
    columns,
    rows: kept.map((row) => row.map((value, place) => answerValue(value, columns[place]?.unit))),
    truncated: rows.length > limit,
  };
}

function answerValue(value: unknown, unit: AnswerColumn["unit"]): AnswerValue {
  if (value === null || value === undefined) return null;
  if (unit === "time") return timeValue(BigInt(value as string | bigint));
  if (typeof value === "number") return value;
  if (typeof value !== "string") return JSON.stringify(value);
  // 64-bit numbers come as texts
  return unit !== undefined && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** As it stands in the tables, where what nothing shows is no text at all. */
function endpointOf(flag: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const known = text === "?" ? "" : (canonicalEndpoint(text) ?? canonicalMac(text));
  if (known === null) {
    throw new FleetError(`${flag}: expected IP:PORT (192.0.2.10:443, [2001:db8::1]:443), got ${text}`, "input");
  }
  return known;
}

function refuseUnheard(options: AskFleetOptions, heard: readonly string[], what: string): void {
  const unheard = NARROWING.find((name) => options[name] !== undefined && !heard.includes(name));
  if (unheard !== undefined) throw new FleetError(`--${unheard} says nothing to ${what}; leave it out`, "input");
}
