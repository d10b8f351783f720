import { type LiveMetrics, type LiveModel, METRIC_LABELS, type MetricName } from "../../src/live/live-model.ts";

/** A model of a session that has just begun, with what a test says of it. */
export function modelOf(
  parts: { metrics?: Partial<LiveMetrics>; health?: Partial<LiveModel["health"]> } & Partial<
    Omit<LiveModel, "metrics" | "health">
  > = {},
): LiveModel {
  const { metrics, health, ...rest } = parts;
  const none = Object.fromEntries((Object.keys(METRIC_LABELS) as MetricName[]).map((key) => [key, []]));
  return {
    sequence: 1,
    now: 1_700_000_000,
    health: {
      state: "running",
      failure: null,
      packets: 0,
      bytes: 0,
      packetsPerSecond: 0,
      bytesPerSecond: 0,
      connectionsPerSecond: 0,
      activeConnections: 0,
      flows: 0,
      maxFlows: 100_000,
      sampling: 1,
      sampledOut: 0,
      evicted: 0,
      lost: 0,
      warnings: [],
      judgeSeconds: 0.01,
      judgeEverySeconds: 1,
      rememberedFrom: 1_700_000_000,
      residentBytes: 0,
      ...health,
    },
    sources: [],
    vips: [],
    backends: [],
    resets: [],
    members: [],
    paths: [],
    findings: [],
    probes: [],
    series: { from: 0, opened: [], resets: [], retransmits: [], connectP50: [], connectP99: [] },
    metrics: { ...none, connect_duration_seconds: [], ...metrics } as LiveMetrics,
    ...rest,
  };
}
