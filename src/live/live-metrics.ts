import { shareStatistics } from "../balance/shares.ts";
import { addressText } from "../topology/address.ts";
import { type LiveMember, type LiveMetrics, type LiveVip, METRIC_LABELS, type MetricName } from "./live-model.ts";
import type { LiveSession } from "./live-session.ts";

/** A master that has not advertised for so many of its intervals is none (RFC 9568 6.1: three and a skew). */
const MASTER_INTERVALS = 4;
const LEAST_INTERVAL_NS = 1e9;

/** Sets the gauges as they are now. */
export function updateGauges(session: LiveSession, vips: readonly LiveVip[], members: readonly LiveMember[]): void {
  const { metrics } = session.tally;
  const shares: { labels: readonly string[]; ratio: number; pValue: number; samples: number }[] = [];
  for (const { vip, balance } of vips) {
    const { skew, pValue, samples } = balance["15m"];
    if (samples > 0 && !Number.isNaN(skew)) {
      shares.push({ labels: [vip, "backend", "connections"], ratio: skew + 1, pValue, samples });
    }
  }
  const tiers = new Map<string, LiveMember[]>();
  for (const member of members) {
    const key = `${member.vip}\n${member.tier}`;
    tiers.set(key, [...(tiers.get(key) ?? []), member]);
  }
  for (const [key, list] of tiers) {
    if (list.length < 2) continue;
    const { total, maxOverExpected, pValue } = shareStatistics(list.map(({ connections }) => connections));
    if (total > 0)
      shares.push({ labels: [...key.split("\n"), "connections"], ratio: maxOverExpected, pValue, samples: total });
  }
  metrics.replace(
    "imbalance_ratio",
    shares.map(({ labels, ratio }) => [labels, ratio] as const),
  );
  metrics.replace(
    "imbalance_ratio_pvalue",
    shares.map(({ labels, pValue }) => [labels, pValue] as const),
  );
  metrics.replace(
    "imbalance_ratio_samples",
    shares.map(({ labels, samples }) => [labels, samples] as const),
  );
  const open = session.findings.list().filter(({ state }) => state === "open");
  const held = new Map(
    open.map(({ finding: { id, severity, where } }) => {
      const labels = [id, severity, where.vip ?? ""];
      return [labels.join("\n"), labels] as const;
    }),
  );
  metrics.replace(
    "findings",
    [...held.values()].map((labels) => [labels, 1] as const),
  );
  metrics.replace("vrrp_masters", mastersOf(session));
  for (const { facts, lost } of session.sources) metrics.raise("capture_lost_total", [facts.name], lost);
}

/** Routers that advertise themselves as master of a virtual router, as each point sees it. */
function mastersOf({ sources, now }: LiveSession): [string[], number][] {
  const masters = new Map<string, { labels: string[]; sources: Set<string> }>();
  for (const source of sources) {
    const names = source.pointNames;
    for (const advertiser of source.tracker.neighbourhood.advertisers) {
      const labels = [String(advertiser.virtualRouterId), names[advertiser.point] ?? "?"];
      const key = labels.join("\n");
      const entry = masters.get(key) ?? { labels, sources: new Set<string>() };
      masters.set(key, entry);
      const interval = Math.max(LEAST_INTERVAL_NS, advertiser.intervalCentiseconds * 1e7);
      // priority 0 resigns
      if (advertiser.priority > 0 && now - advertiser.lastTime <= interval * MASTER_INTERVALS) {
        entry.sources.add(addressText(advertiser.source));
      }
    }
  }
  return [...masters.values()].map(({ labels, sources: own }) => [labels, own.size]);
}

/** All metrics as plain data. */
export function readMetrics({ tally: { metrics } }: LiveSession): LiveMetrics {
  const names = Object.keys(METRIC_LABELS) as MetricName[];
  return {
    ...(Object.fromEntries(names.map((name) => [name, metrics.read(name)])) as unknown as Pick<
      LiveMetrics,
      MetricName
    >),
    connect_duration_seconds: metrics.readConnects(),
  };
}
