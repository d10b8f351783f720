import { type LiveModel, METRIC_LABELS, type MetricName } from "../live/live-model.ts";
import type { MinuteSample } from "./store-input.ts";

/** What connections in a store do not tell again; the rest of the metrics is counted from them. */
const COUNTERS: readonly MetricName[] = [
  "member_connections_total",
  "flow_moves_total",
  "midstream_arrivals_total",
  "asymmetric_connections_total",
  "health_checks_total",
  "capture_lost_total",
];
const GAUGES: readonly MetricName[] = [
  "imbalance_ratio",
  "imbalance_ratio_pvalue",
  "vrrp_masters",
  "connections_active",
];

/** Turns a live session's counters, which only grow, into what each minute added. */
export class CounterGrowth {
  private readonly seen = new Map<string, number>();

  /** What grew since the model before, in the minute that the model's time lies in; nothing before the first packet. */
  samplesOf({ now, metrics }: LiveModel): MinuteSample[] {
    if (!Number.isFinite(now)) return [];
    const minute = Math.floor(now / 60) * 60;
    const samples: MinuteSample[] = [];
    for (const name of COUNTERS) {
      for (const { labels, value } of metrics[name]) {
        const key = `${name}\u0000${labels.join("\u0000")}`;
        const growth = value - (this.seen.get(key) ?? 0);
        if (growth <= 0) continue;
        this.seen.set(key, value);
        samples.push({ minute, name, labels: named(name, labels), value: growth, how: "add" });
      }
    }
    for (const name of GAUGES) {
      for (const { labels, value } of metrics[name]) {
        if (Number.isFinite(value)) samples.push({ minute, name, labels: named(name, labels), value, how: "set" });
      }
    }
    return samples;
  }
}

function named(metric: MetricName, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(METRIC_LABELS[metric].map((name, i) => [name, values[i] ?? ""]));
}
