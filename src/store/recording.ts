import type { LiveListener } from "../live/live-handle.ts";
import { type LiveModel, METRIC_LABELS, type MetricName } from "../live/live-model.ts";
import type { MinuteSample } from "./store-input.ts";
import type { StoreWriter } from "./store-writer.ts";

/** Metrics that connections in the store do not tell, and how a minute takes them. */
const SAMPLED: Readonly<Partial<Record<MetricName, MinuteSample["how"]>>> = {
  connections_active: "set",
  member_connections_total: "add",
  flow_moves_total: "add",
  midstream_arrivals_total: "add",
  asymmetric_connections_total: "add",
  syn_retransmits_total: "add",
  capture_lost_total: "add",
  imbalance_ratio: "set",
  imbalance_ratio_pvalue: "set",
  imbalance_ratio_samples: "set",
  vrrp_masters: "set",
};
const SAMPLE_EVERY_SECONDS = 5;

/** What a live session tells, put into a store: connections as they end, findings, and numbers a few times a minute. */
export function recordingListener(writer: StoreWriter): Required<LiveListener> {
  const sampler = new MinuteSampler();
  let sampled = Number.NEGATIVE_INFINITY;
  return {
    settled: (connections) => writer.addConnections(connections),
    finding: (finding) => writer.addFindings([finding]),
    model: (model) => {
      const isOver = model.health.state === "ended" || model.health.state === "failed";
      if (!(model.now - sampled >= SAMPLE_EVERY_SECONDS) && !(isOver && model.now > sampled)) return;
      sampled = model.now;
      writer.addMinutes(sampler.samples(model));
    },
  };
}

/** Turns a session's counters into what they grew by, each in the minute of the session's clock. */
export class MinuteSampler {
  private readonly before = new Map<string, number>();

  samples({ now, metrics }: Pick<LiveModel, "now" | "metrics">): MinuteSample[] {
    if (!Number.isFinite(now)) return [];
    const minute = Math.floor(now / 60) * 60;
    return Object.entries(SAMPLED).flatMap(([name, how]) =>
      metrics[name as MetricName].flatMap(({ labels, value }): MinuteSample[] => {
        const key = `${name} ${labels.join("\u0000")}`;
        const grown = how === "add" ? value - (this.before.get(key) ?? 0) : value;
        if (how === "add") this.before.set(key, value);
        if (!Number.isFinite(grown) || (how === "add" && grown <= 0)) return [];
        const names = METRIC_LABELS[name as MetricName];
        return [
          {
            minute,
            name,
            labels: Object.fromEntries(names.map((one, i) => [one, labels[i] ?? ""])),
            value: grown,
            how,
          },
        ];
      }),
    );
  }
}
