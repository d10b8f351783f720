import { splitEndpoint } from "../store/journey.ts";
import type { AnswerColumn } from "../store/questions/question.ts";
import type { StoreWindow } from "../store/store-window.ts";
import { type ClickHouse, literal } from "./click-house.ts";
import { FleetError } from "./fleet-error.ts";

/**
 * A connection over all hosts that saw any of it: two hosts saw the same leg where their legs have a Community ID in
 * common, at the same time; the legs that one host has joined lead on to the next one.
 */
export const JOURNEY = {
  id: "journey",
  summary: "one client's connection, leg by leg, on every host that saw it",
  columns: [
    { name: "host", title: "host" },
    { name: "point", title: "point" },
    { name: "start", title: "start", unit: "time" },
    { name: "src", title: "from" },
    { name: "dst", title: "to" },
    { name: "hop", title: "then" },
    { name: "outcome", title: "outcome" },
    { name: "reset", title: "reset by" },
    { name: "lasts", title: "lasts", unit: "seconds" },
    { name: "connection", title: "connection" },
  ] satisfies AnswerColumn[],
} as const;

/** A host's account of a connection. */
interface Account {
  host: string;
  store: string;
  run: number;
  number: number;
  start: bigint;
  end: bigint;
  outcome: string;
  resetBy: string;
  resetCause: string;
  points: string[];
  sources: string[];
  targets: string[];
  hops: string[];
  communityIds: string[];
}

/** Hosts' clocks may differ by so much. */
const CLOCKS_NS = 5_000_000_000n;
/** Router, balancer, proxy, backend: more tiers than that are a mistake. */
const ROUNDS = 6;
const LIMITS = { timeoutSeconds: 60, rows: 1000 };

/**
 * @param flow `IP:PORT` of the client
 * @returns rows as JOURNEY has columns; times are nanoseconds of the epoch
 * @throws FleetError where nobody saw such a client
 */
export async function journeyOf(server: ClickHouse, flow: string, window: StoreWindow): Promise<unknown[][]> {
  const { address, port } = splitEndpoint(flow);
  if (port === null) throw new FleetError(`--flow: expected IP:PORT of the client, got ${flow}`, "input");
  const client = `client = ${literal(address)} AND client_port = ${port} AND start_ns < ${window.to} AND end_ns >= ${window.from}`;
  const [seed] = await accounts(server, client, "ORDER BY start DESC LIMIT 1");
  if (seed === undefined) throw new FleetError(`--flow ${flow}: no host told of a connection of this client`, "input");
  const known = new Map([[nameOf(seed), seed]]);
  for (let round = 0, before = 0; round < ROUNDS && known.size > before; round++) {
    before = known.size;
    const ids = [...new Set([...known.values()].flatMap(({ communityIds }) => communityIds))];
    if (ids.length === 0) break;
    const from = sorted([...known.values()].map(({ start }) => start)).at(0) ?? seed.start;
    const to = sorted([...known.values()].map(({ end }) => end)).at(-1) ?? seed.end;
    const day = 86_400n * 1_000_000_000n;
    const near = `start >= toDateTime(${(from - day) / 1_000_000_000n}, 'UTC') AND start_ns <= ${to + CLOCKS_NS} AND end_ns >= ${from - CLOCKS_NS}`;
    const shared = `hasAny(community_ids, [${ids.map(literal).join(", ")}])`;
    for (const account of await accounts(server, `${near} AND ${shared}`)) known.set(nameOf(account), account);
  }
  return [...known.values()].sort(byWay(flow)).flatMap(rowsOf);
}

function sorted(times: readonly bigint[]): bigint[] {
  return times.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}

/** From the client on: who saw a leg of the client's own comes first, then by the time each saw it begin. */
function byWay(flow: string): (a: Account, b: Account) => number {
  const isFirst = ({ sources }: Account) => (sources.includes(flow) ? 0 : 1);
  return (a, b) => isFirst(a) - isFirst(b) || Number(a.start - b.start) || a.host.localeCompare(b.host);
}

function rowsOf(account: Account): unknown[][] {
  const { host, start, end, outcome, resetBy, resetCause, points, sources, targets, hops } = account;
  const reset = resetBy === "" ? null : `${resetBy}: ${resetCause}`;
  const connection = `r${account.run}/c${account.number}`;
  return points.map((point, i) => {
    const own = [host, point, start, sources[i] ?? "?", targets[i] ?? "?", hops[i] || null];
    // what is true of all of a host's legs stands once
    return [...own, ...(i === 0 ? [outcome, reset, Number(end - start) / 1e9, connection] : [null, null, null, null])];
  });
}

function nameOf({ store, run, number }: Account): string {
  return `${store} ${run} ${number}`;
}

/** What hosts told of connections that meet a condition: first which, of few columns, then all of those. */
async function accounts(server: ClickHouse, where: string, rest = ""): Promise<Account[]> {
  const table = `${server.address.database}.connections`;
  const found = await server.select(
    `SELECT DISTINCT store, run, number, start FROM ${table} WHERE ${where} ${rest}`,
    LIMITS,
  );
  if (found.rows.length === 0) return [];
  const keys = found.rows.map(
    ([store, run, number]) => `(${literal(String(store))}, ${Number(run)}, ${Number(number)})`,
  );
  const starts = [...new Set(found.rows.map(([, , , start]) => `toDateTime(${literal(String(start))}, 'UTC')`))];
  const columns =
    "host, store, run, number, start_ns, end_ns, outcome, reset_by, reset_cause, leg_points, leg_sources, leg_targets, leg_hops, community_ids";
  const { rows } = await server.select(
    `SELECT ${columns} FROM ${table} FINAL WHERE start IN (${starts.join(", ")}) AND (store, run, number) IN (${keys.join(", ")})`,
    LIMITS,
  );
  return (rows as [string, string, number, number, string, string, string, string, string, ...string[][]][]).map(
    (row) => {
      const [host, store, run, number, start, end, outcome, resetBy, resetCause, ...legs] = row;
      const [points = [], sources = [], targets = [], hops = [], communityIds = []] = legs;
      const time = { start: BigInt(start), end: BigInt(end) };
      return {
        host,
        store,
        run,
        number,
        ...time,
        outcome,
        resetBy,
        resetCause,
        points,
        sources,
        targets,
        hops,
        communityIds,
      };
    },
  );
}
