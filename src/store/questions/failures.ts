import { type AnswerColumn, IN_WINDOW, OF_BACKEND, OF_VIP, type Question } from "./question.ts";

/** What is told of a finding. */
export const FINDING_COLUMNS: readonly AnswerColumn[] = [
  { name: "finding", title: "finding" },
  { name: "severity", title: "severity" },
  { name: "state", title: "state" },
  { name: "place", title: "where" },
  { name: "since", title: "since", unit: "time" },
  { name: "until", title: "until", unit: "time" },
  { name: "connections", title: "connections", unit: "count" },
  { name: "confidence", title: "confidence" },
  { name: "title", title: "title" },
];

/** What went wrong, and what shows it. */
export const FAILURES: readonly Question[] = [
  {
    id: "top-resets",
    summary: "who reset connections and why, most frequent first",
    narrowing: ["vip", "backend", "limit"],
    limit: 20,
    columns: [
      { name: "vip", title: "VIP" },
      { name: "backend", title: "backend" },
      { name: "by", title: "by" },
      { name: "cause", title: "cause" },
      { name: "resets", title: "resets", unit: "count" },
      { name: "share", title: "share", unit: "share" },
      { name: "first", title: "first minute", unit: "time" },
      { name: "last", title: "last minute", unit: "time" },
    ],
    sql: `SELECT vip, backend, by, cause, sum(resets) AS resets, 1.0 * sum(resets) / sum(sum(resets)) OVER () AS share,
  min(minute) * 1000000000 AS first, max(minute) * 1000000000 AS last
FROM minute_resets WHERE ${IN_WINDOW} AND ${OF_VIP} AND ${OF_BACKEND}
GROUP BY vip, backend, by, cause ORDER BY resets DESC, vip, backend LIMIT :limit`,
  },
  {
    id: "findings",
    summary: "what was diagnosed, most pressing first",
    narrowing: ["vip", "backend", "limit"],
    limit: 50,
    columns: FINDING_COLUMNS,
    sql: `SELECT finding, severity,
  CASE WHEN state = 'open' AND (SELECT ended_ns FROM runs WHERE id = run) IS NOT NULL THEN 'open at end' ELSE state END AS state,
  coalesce(member, node, backend, vip, '-') AS place, opened_ns AS since,
  CASE state WHEN 'open' THEN NULL ELSE coalesce(closed_ns, last_ns) END AS until, connections, confidence, title
FROM findings
WHERE coalesce(opened_ns, last_ns) < :to_ns AND coalesce(last_ns, opened_ns) >= :from_ns AND state <> 'withdrawn'
  AND ${OF_VIP} AND ${OF_BACKEND}
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, confidence * connections DESC
LIMIT :limit`,
  },
  {
    id: "retransmits",
    summary: "where segments were sent again, the worst share first",
    narrowing: ["vip", "backend", "limit"],
    limit: 20,
    columns: [
      { name: "vip", title: "VIP" },
      { name: "backend", title: "backend" },
      { name: "packets", title: "packets", unit: "count" },
      { name: "up", title: "up", unit: "count" },
      { name: "down", title: "down", unit: "count" },
      { name: "share", title: "share", unit: "share" },
    ],
    sql: `SELECT vip, backend, sum(packets_up + packets_down) AS packets, sum(retransmits_up) AS up,
  sum(retransmits_down) AS down,
  1.0 * sum(retransmits_up + retransmits_down) / nullif(sum(packets_up + packets_down), 0) AS share
FROM minutes WHERE ${IN_WINDOW} AND ${OF_VIP} AND ${OF_BACKEND}
GROUP BY vip, backend HAVING sum(retransmits_up + retransmits_down) > 0
ORDER BY share DESC, packets DESC LIMIT :limit`,
  },
  {
    id: "health-checks",
    summary: "how the balancers' checks of each backend ended",
    narrowing: ["backend", "limit"],
    limit: 100,
    columns: [
      { name: "backend", title: "backend" },
      { name: "ok", title: "ok", unit: "count" },
      { name: "failed", title: "failed", unit: "count" },
      { name: "share", title: "failed share", unit: "share" },
      { name: "last_failed", title: "last failure", unit: "time" },
      { name: "last", title: "last check", unit: "time" },
    ],
    sql: `SELECT backend, sum(checks_ok) AS ok, sum(checks_failed) AS failed,
  1.0 * sum(checks_failed) / sum(checks_ok + checks_failed) AS share,
  max(CASE WHEN checks_failed > 0 THEN minute END) * 1000000000 AS last_failed, max(minute) * 1000000000 AS last
FROM minutes WHERE ${IN_WINDOW} AND ${OF_BACKEND} AND checks_ok + checks_failed > 0
GROUP BY backend ORDER BY share DESC, failed DESC, backend LIMIT :limit`,
  },
  {
    id: "evidence",
    summary: "packets that were kept of broken connections and findings",
    narrowing: ["limit"],
    limit: 50,
    columns: [
      { name: "id", title: "id", unit: "count" },
      { name: "time", title: "time", unit: "time" },
      { name: "run", title: "run", unit: "count" },
      { name: "connection", title: "connection" },
      { name: "finding", title: "finding" },
      { name: "note", title: "what" },
      { name: "bytes", title: "size", unit: "bytes" },
    ],
    sql: `SELECT id, time_ns AS time, run, 'c' || (connection & 4294967295) AS connection, finding_key AS finding, note,
  length(pcapng) AS bytes
FROM evidence WHERE time_ns >= :from_ns AND time_ns < :to_ns ORDER BY time_ns DESC LIMIT :limit`,
  },
];
