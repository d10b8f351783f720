import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";

/** Fewer than this tell no rhythm. */
const MIN_CHECKS = 3;
/** Standard deviation of the interval over its mean: a timer's jitter, not a user's. */
const MAX_JITTER = 0.2;
/** Bytes up that a check may send: a constant request. */
const MAX_PROBE_BYTES = 512;

/**
 * Marks health checks: connections of few sources to one destination in a steady rhythm, without payload or with a
 * constant one, from an address that is a load balancer's or to a destination that clients only reach through one.
 */
export function markHealthChecks(connected: Connected): void {
  const { connections } = connected;
  const groups = new Map<number, Connection[]>();
  const vips = new Set<number>();
  const backends = new Set<number>();
  const sources = new Map<number, number>();
  for (const connection of connections) {
    if (connection.backend !== null && connection.backend !== connection.vip) {
      vips.add(connection.vip);
      backends.add(connection.backend);
    }
    const source = connected.endpoints.withPort(connection.client, 0);
    sources.set(source, (sources.get(source) ?? 0) + 1);
  }
  for (const connection of connections) {
    if (vips.has(connection.vip)) continue;
    if (connection.role !== "balancer" && !backends.has(connection.vip)) continue;
    const key = connected.endpoints.withPort(connection.client, 0) * 1_000_003 + connection.vip;
    const group = groups.get(key);
    if (group) group.push(connection);
    else groups.set(key, [connection]);
  }
  for (const group of groups.values()) {
    const probes = group.filter((connection) => isProbe(connected, connection));
    if (probes.length < MIN_CHECKS || !isSteady(probes)) continue;
    for (const probe of probes) probe.healthCheck = true;
  }
}

function isProbe(connected: Connected, connection: Connection): boolean {
  const view = connected.set.view(connection.front);
  return view.up.payloadBytes <= MAX_PROBE_BYTES && view.up.synCount > 0;
}

/**
 * True where most intervals are the timer's: checks that fail are repeated faster, so the median decides, and the
 * intervals around it must be many and tight.
 */
function isSteady(probes: readonly Connection[]): boolean {
  const intervals: number[] = [];
  for (let i = 1; i < probes.length; i++) intervals.push(probes[i]!.start - probes[i - 1]!.start);
  const sorted = intervals.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  if (median < 50e6) return false;
  const near = intervals.filter((interval) => Math.abs(interval - median) < median * MAX_JITTER);
  return near.length >= Math.max(2, intervals.length * 0.6);
}
