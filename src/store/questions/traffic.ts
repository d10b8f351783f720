import { IN_WINDOW, OF_BACKEND, OF_VIP, type Question } from "./question.ts";

/** How much there was, of whom, when. */
export const TRAFFIC: readonly Question[] = [
  {
    id: "vips",
    summary: "what each VIP carried, and how much of it failed",
    narrowing: ["vip"],
    columns: [
      { name: "vip", title: "VIP" },
      { name: "protocol", title: "proto" },
      { name: "backends", title: "backends", unit: "count" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "failed", title: "failed", unit: "share" },
      { name: "bytes_up", title: "up", unit: "bytes" },
      { name: "bytes_down", title: "down", unit: "bytes" },
      { name: "last", title: "last minute", unit: "time" },
    ],
    sql: `SELECT vip, protocol, count(DISTINCT nullif(backend, '?')) AS backends, sum(opened) AS connections,
  1.0 * sum(refused + reset + timeout) / nullif(sum(ok + refused + reset + timeout), 0) AS failed,
  sum(bytes_up) AS bytes_up, sum(bytes_down) AS bytes_down, max(minute) * 1000000000 AS last
FROM minutes WHERE ${IN_WINDOW} AND ${OF_VIP}
GROUP BY vip, protocol HAVING sum(opened + ok + refused + reset + timeout + open) > 0 ORDER BY connections DESC, vip`,
  },
  {
    id: "backends",
    summary: "each backend's share, failures and retransmissions",
    narrowing: ["vip", "backend"],
    columns: [
      { name: "vip", title: "VIP" },
      { name: "backend", title: "backend" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "share", title: "share", unit: "share" },
      { name: "resets", title: "resets", unit: "count" },
      { name: "refused", title: "refused", unit: "count" },
      { name: "timeouts", title: "timeouts", unit: "count" },
      { name: "retransmitted", title: "retrans", unit: "share" },
      { name: "bytes", title: "bytes", unit: "bytes" },
    ],
    sql: `SELECT vip, backend, sum(opened) AS connections,
  1.0 * sum(opened) / nullif(sum(sum(opened)) OVER (PARTITION BY vip), 0) AS share,
  sum(reset) AS resets, sum(refused) AS refused, sum(timeout) AS timeouts,
  1.0 * sum(retransmits_up + retransmits_down) / nullif(sum(packets_up + packets_down), 0) AS retransmitted,
  sum(bytes_up + bytes_down) AS bytes
FROM minutes WHERE ${IN_WINDOW} AND ${OF_VIP} AND ${OF_BACKEND}
GROUP BY vip, backend HAVING sum(opened + ok + refused + reset + timeout + open) > 0 ORDER BY vip, connections DESC, backend`,
  },
  {
    id: "outcomes",
    summary: "how connections ended, for each VIP",
    narrowing: ["vip", "backend"],
    columns: [
      { name: "vip", title: "VIP" },
      { name: "ended", title: "ended", unit: "count" },
      { name: "ok", title: "ok", unit: "count" },
      { name: "refused", title: "refused", unit: "count" },
      { name: "reset", title: "reset", unit: "count" },
      { name: "timeout", title: "timeout", unit: "count" },
      { name: "open", title: "open", unit: "count" },
      { name: "failed", title: "failed", unit: "share" },
    ],
    sql: `SELECT vip, sum(ok + refused + reset + timeout) AS ended, sum(ok) AS ok, sum(refused) AS refused,
  sum(reset) AS reset, sum(timeout) AS timeout, sum(open) AS open,
  1.0 * sum(refused + reset + timeout) / nullif(sum(ok + refused + reset + timeout), 0) AS failed
FROM minutes WHERE ${IN_WINDOW} AND ${OF_VIP} AND ${OF_BACKEND}
GROUP BY vip HAVING sum(ok + refused + reset + timeout + open) > 0 ORDER BY failed DESC, ended DESC, vip`,
  },
  {
    id: "timeline",
    summary: "what began, failed and was sent again, minute by minute",
    narrowing: ["vip", "backend", "step", "limit"],
    limit: 1440,
    columns: [
      { name: "time", title: "from", unit: "time" },
      { name: "opened", title: "opened", unit: "count" },
      { name: "ok", title: "ok", unit: "count" },
      { name: "refused", title: "refused", unit: "count" },
      { name: "reset", title: "reset", unit: "count" },
      { name: "timeout", title: "timeout", unit: "count" },
      { name: "retransmits", title: "retrans", unit: "count" },
      { name: "bytes", title: "bytes", unit: "bytes" },
    ],
    sql: `SELECT * FROM (
  SELECT minute / :step * :step * 1000000000 AS time, sum(opened) AS opened, sum(ok) AS ok, sum(refused) AS refused,
    sum(reset) AS reset, sum(timeout) AS timeout, sum(retransmits_up + retransmits_down) AS retransmits,
    sum(bytes_up + bytes_down) AS bytes
  FROM minutes WHERE ${IN_WINDOW} AND ${OF_VIP} AND ${OF_BACKEND}
  GROUP BY minute / :step ORDER BY time DESC LIMIT :limit) ORDER BY time`,
  },
  {
    id: "busiest-clients",
    summary: "who opened most connections, and how many of them failed",
    narrowing: ["limit"],
    limit: 20,
    columns: [
      { name: "client", title: "client" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "failed", title: "failed", unit: "share" },
      { name: "bytes_up", title: "up", unit: "bytes" },
      { name: "bytes_down", title: "down", unit: "bytes" },
    ],
    // counted first, summed up for those alone that are shown: half the time
    sql: `SELECT c.client, count(*) AS connections, 1.0 * sum(outcome IN ('refused', 'reset', 'timeout')) / count(*) AS failed,
  sum(bytes_up) AS bytes_up, sum(bytes_down) AS bytes_down
FROM (SELECT client FROM connections INDEXED BY connections_by_client
    WHERE start_ns >= :from_ns AND start_ns < :to_ns AND health_check = 0
    GROUP BY client ORDER BY count(*) DESC, client LIMIT :limit) AS busiest
  JOIN connections AS c INDEXED BY connections_by_client ON c.client = busiest.client
WHERE c.start_ns >= :from_ns AND c.start_ns < :to_ns AND c.health_check = 0
GROUP BY c.client ORDER BY connections DESC, c.client`,
    wholeSql: `SELECT client, connections, 1.0 * failed / connections AS failed, bytes_up, bytes_down
FROM clients ORDER BY connections DESC, client LIMIT :limit`,
  },
  {
    id: "runs",
    summary: "what was watched, when, by which version; whether it was cut off",
    narrowing: ["limit"],
    limit: 50,
    columns: [
      { name: "run", title: "run", unit: "count" },
      { name: "command", title: "command" },
      { name: "sources", title: "sources" },
      { name: "host", title: "host" },
      { name: "started", title: "started", unit: "time" },
      { name: "ended", title: "ended", unit: "time" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "dropped", title: "dropped", unit: "count" },
      { name: "version", title: "version" },
    ],
    sql: `SELECT id AS run, command, (SELECT group_concat(value, ' ') FROM json_each(sources)) AS sources, host,
  started_ns AS started, ended_ns AS ended, coalesce(opened, 0) AS connections, dropped, version
FROM runs LEFT JOIN (SELECT run, sum(opened) AS opened FROM minutes GROUP BY run) ON run = id
WHERE started_ns < :to_ns AND coalesce(ended_ns, started_ns) >= :from_ns OR id IN
  (SELECT run FROM minutes WHERE ${IN_WINDOW})
ORDER BY id DESC LIMIT :limit`,
  },
];
