import {
  type LiveFinding,
  type LiveHealth,
  type LiveMember,
  type LiveMetrics,
  type LiveModel,
  type LivePath,
  type LiveResetCount,
  type LiveSeries,
  type LiveSourceState,
  METRIC_LABELS,
  WINDOW_SECONDS,
} from "../live/live-model.ts";
import type { FindingDocument } from "../report/analysis-contract.ts";
import type { Journey } from "./journey.ts";
import type { StoredRow, StoreReader } from "./store-reader.ts";
import { nanoseconds, storedFigures } from "./stored-minutes.ts";
import { TimeBuckets } from "./time-buckets.ts";

const LOOK_BACK = WINDOW_SECONDS["15m"];
const RESET_STEP_SECONDS = 10;
const MINUTES_ARE = "figures go by whole minutes: this is a store";

export interface StoredMoment {
  /** Epoch second that the last minute shown ends with. */
  until: number;
  /** First minute of the store. */
  start: number;
  sequence: number;
}

/** What a dashboard showed, or would have shown, at a moment that a store remembers. */
export function storedModel(reader: StoreReader, { until, start, sequence }: StoredMoment): LiveModel {
  const findings = findingsAt(reader, until);
  const open = findings.filter(({ state }) => state === "open");
  const keysOf = (vip: string, backend: string | null) =>
    open
      .filter(({ finding: { where } }) => (backend === null ? where.vip === vip : where.backend === backend))
      .map(({ key }) => key);
  const { vips, backends, all, active } = storedFigures(reader, until, keysOf);
  const both = (pair: { up: number; down: number }) => pair.up + pair.down;
  const health: LiveHealth = {
    state: "running",
    failure: null,
    packets: 0,
    bytes: 0,
    packetsPerSecond: both(all.packetsPerSecond),
    bytesPerSecond: both(all.bitsPerSecond) / 8,
    connectionsPerSecond: all.connectionsPerSecond,
    activeConnections: active,
    flows: 0,
    maxFlows: 0,
    sampling: 1,
    sampledOut: 0,
    evicted: 0,
    lost: 0,
    warnings: [MINUTES_ARE],
    judgeSeconds: 0,
    judgeEverySeconds: 60,
    rememberedFrom: start,
    residentBytes: process.memoryUsage.rss(),
  };
  return {
    sequence,
    now: until,
    health,
    sources: sourcesAt(reader, until),
    vips,
    backends,
    resets: resetsAt(reader, until),
    members: membersAt(reader, until),
    paths: pathsAt(reader, until),
    findings,
    probes: [],
    series: storedSeries(reader, until),
    metrics: noMetrics(),
  };
}

/** Each second of a minute has the minute's mean: a store knows nothing shorter. */
function storedSeries(reader: StoreReader, until: number): LiveSeries {
  const from = until - LOOK_BACK;
  const rows = reader.read(
    `SELECT minute, sum(opened) AS opened, sum(reset + refused) AS resets, sum(retransmits_up + retransmits_down) AS retransmits,
       merge_times(connect_times) AS connects
     FROM minutes WHERE minute >= ? AND minute < ? GROUP BY minute`,
    from,
    until,
  );
  const byMinute = new Map(rows.map((row) => [Number(row.minute), row]));
  const seconds = (of: (row: StoredRow | undefined) => number) =>
    Array.from({ length: LOOK_BACK }, (_, i) => of(byMinute.get(from + 60 * Math.floor(i / 60))));
  const mean = (name: string) => seconds((row) => Number(row?.[name] ?? 0) / 60);
  const quantiles = (share: number) => {
    const values = new Map(
      rows.map((row) => [Number(row.minute), TimeBuckets.parse(row.connects as string | null).quantile(share)]),
    );
    return seconds((row) => (row === undefined ? undefined : values.get(Number(row.minute))) ?? Number.NaN);
  };
  return {
    from,
    opened: mean("opened"),
    resets: mean("resets"),
    retransmits: mean("retransmits"),
    connectP50: quantiles(0.5),
    connectP99: quantiles(0.99),
  };
}

/** Findings that were known then: as they were told last, but open where they were open then. */
function findingsAt(reader: StoreReader, until: number): LiveFinding[] {
  const rows = reader.read(
    `SELECT key, worst, state, document, opened_ns / 1e9 AS opened, last_ns / 1e9 AS last, closed_ns / 1e9 AS closed FROM findings
     WHERE state <> 'withdrawn' AND coalesce(opened_ns, last_ns) < ? AND (state = 'open' OR coalesce(closed_ns, last_ns) >= ?)
     ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, confidence * connections DESC`,
    nanoseconds(until),
    nanoseconds(until - LOOK_BACK),
  );
  const found = rows.map((row): LiveFinding => {
    const number = (name: string) => (row[name] === null ? Number.NaN : Number(row[name]));
    const isOpen = row.state === "open" || number("closed") >= until;
    return {
      key: String(row.key),
      state: isOpen ? "open" : "over",
      opened: number("opened"),
      lastSeen: Math.min(number("last"), until),
      closed: isOpen ? Number.NaN : number("closed"),
      worst: row.worst as LiveFinding["worst"],
      windows: [],
      finding: JSON.parse(String(row.document)) as FindingDocument,
    };
  });
  return [...found.filter(({ state }) => state === "open"), ...found.filter(({ state }) => state !== "open")];
}

function resetsAt(reader: StoreReader, until: number): LiveResetCount[] {
  const rows = reader.read(
    "SELECT * FROM minute_resets WHERE minute >= ? AND minute < ? ORDER BY minute",
    until - LOOK_BACK,
    until,
  );
  const kinds = new Map<string, LiveResetCount & { over: number[]; counts: Record<"10s" | "1m" | "15m", number> }>();
  for (const row of rows) {
    const [vip, by, cause] = [String(row.vip), String(row.by) as LiveResetCount["by"], String(row.cause)];
    const backend = row.backend === "?" ? "(unknown)" : String(row.backend);
    const key = `${vip} ${backend} ${by} ${cause}`;
    const steps = LOOK_BACK / RESET_STEP_SECONDS;
    const kind = kinds.get(key) ?? {
      vip,
      backend,
      by,
      cause,
      counts: { "10s": 0, "1m": 0, "15m": 0 },
      over: new Array<number>(steps).fill(0),
      last: 0,
    };
    kinds.set(key, kind);
    const [minute, resets] = [Number(row.minute), Number(row.resets)];
    kind.counts["15m"] += resets;
    if (minute >= until - 60) {
      kind.counts["1m"] += resets;
      kind.counts["10s"] += resets / 6;
    }
    const first = (minute - (until - LOOK_BACK)) / RESET_STEP_SECONDS;
    for (let i = first; i < first + 6; i++) kind.over[i] = (kind.over[i] ?? 0) + resets / 6;
    kind.last = minute + 59;
  }
  return [...kinds.values()].sort((a, b) => b.counts["15m"] - a.counts["15m"]);
}

function membersAt(reader: StoreReader, until: number): LiveMember[] {
  const rows = reader.read(
    `SELECT labels ->> 'vip' AS vip, labels ->> 'tier' AS tier, labels ->> 'member' AS member,
       sum(CASE name WHEN 'member_connections_total' THEN value ELSE 0 END) AS connections,
       sum(CASE name WHEN 'midstream_arrivals_total' THEN value ELSE 0 END) AS arrived
     FROM minute_samples WHERE name IN ('member_connections_total', 'midstream_arrivals_total') AND minute >= ? AND minute < ?
     GROUP BY 1, 2, 3`,
    until - LOOK_BACK,
    until,
  );
  // arrivals are not told by tier: they belong to the member wherever it stands
  const arrived = new Map(
    rows.filter(({ tier }) => tier === null).map((row) => [`${row.vip} ${row.member}`, Number(row.arrived)]),
  );
  const members = rows.filter(({ tier }) => tier !== null);
  return members.map((row) => {
    const peers = members.filter(({ vip, tier }) => vip === row.vip && tier === row.tier);
    const total = peers.reduce((sum, { connections }) => sum + Number(connections), 0);
    return {
      vip: String(row.vip),
      tier: String(row.tier),
      member: String(row.member),
      connections: Number(row.connections),
      share: total > 0 ? Number(row.connections) / total : Number.NaN,
      expectedShare: 1 / peers.length,
      arrived: arrived.get(`${row.vip} ${row.member}`) ?? 0,
      left: Number.NaN,
    };
  });
}

function pathsAt(reader: StoreReader, until: number): LivePath[] {
  const rows = reader.read(
    `SELECT vip, journey, count(*) AS connections, (SELECT document FROM journeys WHERE id = journey) AS document
     FROM connections INDEXED BY connections_by_start
     WHERE start_ns >= ? AND start_ns < ? AND health_check = 0 AND role = 'client' GROUP BY vip, journey`,
    nanoseconds(until - LOOK_BACK),
    nanoseconds(until),
  );
  const paths = new Map<string, { vip: string; up: readonly string[]; down: readonly string[]; connections: number }>();
  for (const { vip, connections, document } of rows) {
    const { up, down } = JSON.parse(String(document)) as Journey;
    const key = JSON.stringify([vip, up, down]);
    const path = paths.get(key) ?? { vip: String(vip), up, down, connections: 0 };
    path.connections += Number(connections);
    paths.set(key, path);
  }
  const all = [...paths.values()].sort((a, b) => b.connections - a.connections);
  return all.map((path) => {
    const total = all.reduce((sum, one) => sum + (one.vip === path.vip ? one.connections : 0), 0);
    return { ...path, share: path.connections / total, expected: true, marks: [] };
  });
}

function sourcesAt(reader: StoreReader, until: number): LiveSourceState[] {
  const rows = reader.read(
    `SELECT sources FROM runs WHERE id IN
       (SELECT run FROM minutes WHERE minute >= ? AND minute < ?) ORDER BY id`,
    until - LOOK_BACK,
    until,
  );
  return rows.flatMap(({ sources }) =>
    (JSON.parse(String(sources)) as string[]).map(
      (name): LiveSourceState => ({
        name,
        kind: "replay",
        state: "running",
        failure: null,
        points: [],
        packets: 0,
        packetsPerSecond: Number.NaN,
        bytesPerSecond: Number.NaN,
        lost: 0,
        sampledOut: 0,
        clockOffset: Number.NaN,
        clockUncertainty: Number.NaN,
        lag: Number.NaN,
      }),
    ),
  );
}

/** Prometheus reads the present. */
function noMetrics(): LiveMetrics {
  const names = Object.keys(METRIC_LABELS).map((name) => [name, []]);
  return { ...Object.fromEntries(names), connect_duration_seconds: [] } as LiveMetrics;
}
