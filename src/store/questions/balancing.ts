import { type AnswerColumn, IN_WINDOW, OF_BACKEND, OF_VIP, type Question } from "./question.ts";

/** What is told of how fast a backend is. */
export const LATENCY_COLUMNS: readonly AnswerColumn[] = [
  { name: "vip", title: "VIP" },
  { name: "backend", title: "backend" },
  { name: "connections", title: "connections", unit: "count" },
  { name: "connect_p50", title: "connect p50", unit: "seconds" },
  { name: "connect_p99", title: "connect p99", unit: "seconds" },
  { name: "first_byte_p50", title: "first byte p50", unit: "seconds" },
  { name: "first_byte_p99", title: "first byte p99", unit: "seconds" },
];

/** How the work was shared, and what it cost. */
export const BALANCING: readonly Question[] = [
  {
    id: "slow-backends",
    summary: "time to accept and to answer, the slowest first",
    narrowing: ["vip", "backend", "limit"],
    limit: 20,
    columns: LATENCY_COLUMNS,
    sql: `SELECT vip, backend, connections, time_quantile(connects, 0.5) AS connect_p50,
  time_quantile(connects, 0.99) AS connect_p99, time_quantile(first_bytes, 0.5) AS first_byte_p50,
  time_quantile(first_bytes, 0.99) AS first_byte_p99
FROM (SELECT vip, backend, sum(opened) AS connections, merge_times(connect_times) AS connects,
    merge_times(first_byte_times) AS first_bytes
  FROM minutes WHERE ${IN_WINDOW} AND ${OF_VIP} AND ${OF_BACKEND} AND backend <> '?' GROUP BY vip, backend)
WHERE connects IS NOT NULL OR first_bytes IS NOT NULL
ORDER BY coalesce(first_byte_p50, connect_p50) DESC, connect_p50 DESC LIMIT :limit`,
  },
  {
    id: "moves",
    summary: "flows that went on at another balancer or backend than before",
    narrowing: ["vip", "limit"],
    limit: 50,
    columns: [
      { name: "vip", title: "VIP" },
      { name: "kind", title: "moved to another" },
      { name: "moves", title: "moves", unit: "count" },
      { name: "worst", title: "worst minute", unit: "time" },
      { name: "most", title: "moves in it", unit: "count" },
      { name: "last", title: "last minute", unit: "time" },
    ],
    sql: `SELECT vip, kind, CAST(sum(moves) AS INTEGER) AS moves,
  max(CASE place WHEN 1 THEN minute END) * 1000000000 AS worst, CAST(max(moves) AS INTEGER) AS most,
  max(minute) * 1000000000 AS last
FROM (SELECT *, row_number() OVER (PARTITION BY vip, kind ORDER BY moves DESC, minute) AS place
  FROM (SELECT minute, labels ->> 'vip' AS vip, labels ->> 'kind' AS kind, sum(value) AS moves FROM minute_samples
    WHERE name = 'flow_moves_total' AND ${IN_WINDOW} GROUP BY 1, 2, 3))
WHERE moves > 0 AND ${OF_VIP}
GROUP BY vip, kind ORDER BY moves DESC, vip LIMIT :limit`,
  },
  {
    id: "members",
    summary: "shares of balancers behind ECMP, and flows that reached them in mid-stream",
    narrowing: ["vip", "limit"],
    limit: 50,
    columns: [
      { name: "vip", title: "VIP" },
      { name: "tier", title: "tier" },
      { name: "member", title: "member" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "share", title: "share", unit: "share" },
      { name: "midstream", title: "in mid-stream", unit: "count" },
    ],
    sql: `SELECT vip, tier, member, connections, connections / nullif(sum(connections) OVER (PARTITION BY vip, tier), 0) AS share,
  coalesce((SELECT sum(value) FROM minute_samples WHERE name = 'midstream_arrivals_total' AND ${IN_WINDOW}
    AND labels ->> 'vip' = vip AND labels ->> 'member' = member), 0) AS midstream
FROM (SELECT labels ->> 'vip' AS vip, labels ->> 'tier' AS tier, labels ->> 'member' AS member, sum(value) AS connections
  FROM minute_samples WHERE name = 'member_connections_total' AND ${IN_WINDOW} GROUP BY 1, 2, 3)
WHERE ${OF_VIP} ORDER BY vip, tier, connections DESC LIMIT :limit`,
  },
  {
    id: "port-use",
    summary: "ports that balancers used towards each backend within a minute: how near to running out",
    narrowing: ["backend", "limit"],
    limit: 20,
    columns: [
      { name: "address", title: "balancer's address" },
      { name: "backend", title: "backend" },
      { name: "connections", title: "connections", unit: "count" },
      { name: "most_ports", title: "most ports in a minute", unit: "count" },
      { name: "share", title: "of 64,512", unit: "share" },
      { name: "worst", title: "in", unit: "time" },
    ],
    // with bare columns beside max(), SQLite takes them from the row that has it
    sql: `SELECT address, backend, total AS connections, max(ports) AS most_ports, max(ports) / 64512.0 AS share,
  minute * 1000000000 AS worst
FROM (SELECT minute, address, backend, sum(ports) AS ports, sum(sum(connections)) OVER (PARTITION BY address, backend) AS total
  FROM minute_ports WHERE ${IN_WINDOW} AND ${OF_BACKEND} GROUP BY minute, address, backend)
GROUP BY address, backend ORDER BY most_ports DESC, address, backend LIMIT :limit`,
  },
];
