import type { ListedQuestion } from "../store/answer-document.ts";
import { LATENCY_COLUMNS } from "../store/questions/balancing.ts";
import { FINDING_COLUMNS } from "../store/questions/failures.ts";
import type { AnswerColumn } from "../store/questions/question.ts";
import { ALWAYS } from "../store/store-window.ts";
import { DEFAULT_DATABASE } from "./fleet-address.ts";
import { JOURNEY } from "./fleet-journey.ts";
import { connectionsOf, equals, type FleetQuestion, OF_CLIENTS } from "./fleet-question.ts";

const HOST: AnswerColumn = { name: "host", title: "host" };

/** Every question to a fleet that has a name, in the order of asking; `journey` is told apart (fleet-journey.ts). */
export const FLEET_QUESTIONS: readonly FleetQuestion[] = [
  {
    id: "hosts",
    summary: "who sends, when it was last heard of, and how its connections end",
    narrowing: ["limit"],
    limit: 200,
    columns: [
      HOST,
      { name: "state", title: "state" },
      { name: "heard", title: "last heard", unit: "time" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "failed", title: "not ok", unit: "share" },
      { name: "dropped", title: "dropped", unit: "count" },
    ],
    sql: (scope) => `SELECT host, state, heard, connections, if(ended > 0, failed / ended, NULL) AS failed, dropped
FROM (SELECT host, argMax(if(isNull(ended_ns), 'recording', 'ended'), started_ns) AS state,
    max(toInt64(toUInt32(shipped))) * 1000000000 AS heard, sum(dropped) AS dropped
  FROM ${scope.database}.runs FINAL GROUP BY host)
ANY LEFT JOIN (SELECT host, count() AS connections, countIf(outcome NOT IN ('ok', 'open')) AS failed,
    countIf(outcome != 'open') AS ended
  FROM ${connectionsOf(scope, ["host", "outcome", "health_check", "role"])} WHERE ${OF_CLIENTS} GROUP BY host) USING host
ORDER BY host LIMIT ${scope.limit}`,
  },
  {
    id: "findings",
    summary: "what was diagnosed on any host, most pressing first",
    narrowing: ["host", "vip", "backend", "limit"],
    limit: 50,
    columns: [HOST, ...FINDING_COLUMNS],
    sql: ({ database, window, host, vip, backend, limit }) => {
      const narrowed = equals({ host, vip, backend }).map((condition) => ` AND ${condition}`);
      return `SELECT host, finding, severity, if(told = 'open' AND isNotNull(ended_ns), 'open at end', told) AS state,
  multiIf(member != '', member, node != '', node, backend != '', backend, vip != '', vip, '-') AS place,
  opened_ns AS since, if(told = 'open', NULL, ifNull(closed_ns, last_ns)) AS until, connections,
  round(confidence, 2) AS confidence, title
FROM (SELECT *, state AS told FROM ${database}.findings FINAL
  WHERE ifNull(opened_ns, ifNull(last_ns, 0)) < ${window.to} AND ifNull(last_ns, ifNull(opened_ns, 0)) >= ${window.from}
    AND state != 'withdrawn'${narrowed.join("")})
ANY LEFT JOIN (SELECT store, run, ended_ns FROM ${database}.runs FINAL) USING store, run
ORDER BY multiIf(severity = 'critical', 0, severity = 'warning', 1, 2), confidence * connections DESC, host LIMIT ${limit}`;
    },
  },
  {
    id: "top-resets",
    summary: "who reset connections and why, as each host saw it, most frequent first",
    narrowing: ["host", "vip", "backend", "limit"],
    limit: 20,
    columns: [
      HOST,
      { name: "vip", title: "VIP" },
      { name: "backend", title: "backend" },
      { name: "by", title: "by" },
      { name: "cause", title: "cause" },
      { name: "resets", title: "resets", unit: "count" },
      { name: "first", title: "first", unit: "time" },
      { name: "last", title: "last", unit: "time" },
    ],
    sql: (scope) => `SELECT host, vip, if(backend = '', '?', backend) AS backend, reset_by AS by, reset_cause AS cause,
  count() AS resets, min(end_ns) AS first, max(end_ns) AS last
FROM ${connectionsOf(scope, ["host", "vip", "backend", "reset_by", "reset_cause", "end_ns", "health_check", "role"])}
WHERE reset_by != '' AND ${OF_CLIENTS}
GROUP BY host, vip, backend, reset_by, reset_cause ORDER BY resets DESC, host, vip LIMIT ${scope.limit}`,
  },
  {
    id: "outcomes",
    summary: "how connections of each VIP ended on each host",
    narrowing: ["host", "vip", "backend", "limit"],
    limit: 100,
    columns: [
      { name: "vip", title: "VIP" },
      HOST,
      { name: "connections", title: "connections", unit: "count" },
      ...["ok", "refused", "reset", "timeout", "open"].map((name) => ({ name, title: name, unit: "count" as const })),
    ],
    sql: (scope) => `SELECT vip, host, count() AS connections, countIf(outcome = 'ok') AS ok,
  countIf(outcome = 'refused') AS refused, countIf(outcome = 'reset') AS reset, countIf(outcome = 'timeout') AS timeout,
  countIf(outcome = 'open') AS open
FROM ${connectionsOf(scope, ["vip", "host", "outcome", "health_check", "role"])} WHERE ${OF_CLIENTS}
GROUP BY vip, host ORDER BY vip, connections DESC, host LIMIT ${scope.limit}`,
  },
  {
    id: "members",
    summary: "how the connections of each VIP are shared among the hosts that balance it",
    narrowing: ["host", "vip", "limit"],
    limit: 100,
    columns: [
      { name: "vip", title: "VIP" },
      HOST,
      { name: "connections", title: "connections", unit: "count" },
      { name: "clients", title: "clients", unit: "count" },
      { name: "share", title: "share", unit: "share" },
      { name: "even", title: "even", unit: "share" },
    ],
    // a host balances what it sends on: it saw more than one leg, or knows the backend behind the VIP
    sql: (scope) => {
      const sent = `(SELECT vip, host, client, start_ns
  FROM ${connectionsOf(scope, ["vip", "host", "client", "backend", "start_ns", "health_check", "role"])}
  WHERE ${OF_CLIENTS} AND backend != '' AND start_ns >= ${scope.window.from})`;
      return `SELECT vip, host, connections, clients, connections / total AS share, 1 / hosts AS even
FROM (SELECT vip, host, count() AS connections, uniq(client) AS clients FROM ${sent} GROUP BY vip, host)
ANY LEFT JOIN (SELECT vip, count() AS total, uniqExact(host) AS hosts FROM ${sent} GROUP BY vip) USING vip
ORDER BY vip, connections DESC, host LIMIT ${scope.limit}`;
    },
  },
  {
    id: "slow-backends",
    summary: "time to accept and to answer, as each host saw it, the slowest first",
    narrowing: ["host", "vip", "backend", "limit"],
    limit: 20,
    columns: [HOST, ...LATENCY_COLUMNS],
    sql: (scope) => {
      const quantiles = (column: string, name: string) =>
        [50, 99].map((q) => `quantile(0.${q})(${column}) / 1e9 AS ${name}_p${q}`).join(", ");
      return `SELECT host, vip, backend, count() AS connections, ${quantiles("connected", "connect")},
  ${quantiles("first_byte_ns", "first_byte")}
FROM (SELECT *, ifNull(connect_ns, handshake_ns) AS connected
  FROM ${connectionsOf(scope, ["vip", "backend", "host", "connect_ns", "handshake_ns", "first_byte_ns", "health_check", "role"])}
  WHERE ${OF_CLIENTS} AND backend != '')
GROUP BY vip, backend, host HAVING connect_p50 > 0 OR first_byte_p50 > 0
ORDER BY ifNull(first_byte_p50, connect_p50) DESC, connect_p50 DESC LIMIT ${scope.limit}`;
    },
  },
  {
    id: "timeline",
    summary: "new connections and bad ends over time, all hosts together or one",
    narrowing: ["host", "vip", "backend", "step", "limit"],
    limit: 1440,
    columns: [
      { name: "time", title: "time", unit: "time" },
      { name: "hosts", title: "hosts", unit: "count" },
      { name: "opened", title: "new", unit: "count" },
      { name: "refused", title: "refused", unit: "count" },
      { name: "reset", title: "reset", unit: "count" },
      { name: "timeout", title: "timeout", unit: "count" },
    ],
    sql: (
      scope,
    ) => `SELECT intDiv(toInt64(toUInt32(start)), ${scope.stepSeconds}) * ${scope.stepSeconds} * 1000000000 AS time,
  uniqExact(host) AS hosts, count() AS opened, countIf(outcome = 'refused') AS refused,
  countIf(outcome = 'reset') AS reset, countIf(outcome = 'timeout') AS timeout
FROM ${connectionsOf(scope, ["start", "start_ns", "host", "outcome", "health_check", "role"])}
WHERE ${OF_CLIENTS} AND start_ns >= ${scope.window.from} GROUP BY time ORDER BY time LIMIT ${scope.limit}`,
  },
];

/** All of them, with the SQL that asks for everything. */
export function listedFleetQuestions(database = DEFAULT_DATABASE): ListedQuestion[] {
  const all = { database, window: ALWAYS, host: null, vip: null, backend: null, stepSeconds: 60 };
  const named = FLEET_QUESTIONS.map((one) => ({ ...one, sql: one.sql({ ...all, limit: one.limit }) }));
  return [...named, { ...JOURNEY, narrowing: ["flow"], sql: null }];
}

export function fleetQuestionNamed(id: string): FleetQuestion | null {
  return FLEET_QUESTIONS.find((question) => question.id === id) ?? null;
}
