import { collectDefaultMetrics, type Metric, Registry, type RegistryContentType } from "prom-client";
import type { LiveHandle } from "../live/live-handle.ts";
import { CONNECT_SECONDS_EDGES, type HistogramSample, type LiveModel, type MetricSample } from "../live/live-model.ts";
import { CONNECT_DURATION, type MetricDefinition, SESSION_METRICS, WATCHED_METRICS } from "./metric-table.ts";

export interface ExpositionOptions {
  /** Of l4scope. */
  version: string;
  /** Packets that the kernel dropped, by its reason; empty where no probe counts them. */
  drops?: () => readonly MetricSample[];
  /** Makes metrics to show behind ours, once for each format: prom-client renames those that it prints. */
  also?: () => readonly CustomMetric[];
}

/** prom-client's own gauges that are called like counters, which promtool takes for a mistake. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** A value as prom-client prints it: the labels that stay are kept as one object, which it then writes only once. */
interface PrintedValue {
  value: number;
  sharedLabels: Record<string, string>;
  metricName?: string;
  labels?: Record<string, string>;
  exemplar?: { labelSet: Record<string, string>; value: number; timestamp: number };
}

/** What prom-client asks of a metric when it prints one. */
export interface CustomMetric {
  name: string;
  type: string;
  get(): { name: string; help: string; type: string; values: PrintedValue[] };
}

/**
 * The metrics of a live session as Prometheus scrapes them. Nothing is counted here: each scrape prints the newest
 * model, whose counters the session keeps.
 */
export class Exposition {
  private readonly plain: Registry;
  private readonly open: Registry;

  constructor(handle: Pick<LiveHandle, "model">, options: ExpositionOptions) {
    this.plain = registryOf(handle, options, Registry.PROMETHEUS_CONTENT_TYPE);
    this.open = registryOf(handle, options, Registry.OPENMETRICS_CONTENT_TYPE);
  }

  /** @param openMetrics in OpenMetrics 1.0, with exemplars, else in the text format 0.0.4 */
  async print(openMetrics: boolean): Promise<{ contentType: string; body: string }> {
    const registry = openMetrics ? this.open : this.plain;
    return { contentType: registry.contentType, body: await registry.metrics() };
  }
}

function registryOf(
  handle: Pick<LiveHandle, "model">,
  { version, drops, also }: ExpositionOptions,
  type: RegistryContentType,
): Registry {
  const registry = new Registry();
  registry.setContentType(type as typeof Registry.PROMETHEUS_CONTENT_TYPE);
  const add = (metric: CustomMetric) => registry.registerMetric(metric as unknown as Metric);
  for (const definition of WATCHED_METRICS) {
    add(valuesOf(definition, () => handle.model().metrics[definition.key]));
  }
  add(connectDuration(() => handle.model().metrics.connect_duration_seconds));
  const runtime = `node ${process.version}`;
  add(valuesOf(SESSION_METRICS.buildInfo, () => [{ labels: [version, runtime], value: 1 }]));
  for (const [definition, read] of sessionValues()) add(valuesOf(definition, () => read(handle.model())));
  if (drops) add(valuesOf(SESSION_METRICS.drops, drops));
  for (const metric of also?.() ?? []) add(metric);
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

function sessionValues(): [MetricDefinition, (model: LiveModel) => readonly MetricSample[]][] {
  const one = (value: number): MetricSample[] => (Number.isNaN(value) ? [] : [{ labels: [], value }]);
  const perProbe = (read: (probe: LiveModel["probes"][number]) => number) => (model: LiveModel) =>
    model.probes
      .map((probe) => ({ labels: [probe.name], value: read(probe) }))
      .filter(({ value }) => !Number.isNaN(value));
  const m = SESSION_METRICS;
  return [
    [m.up, ({ health }) => one(health.state === "running" ? 1 : 0)],
    [m.flows, ({ health }) => one(health.flows)],
    [m.maxFlows, ({ health }) => one(health.maxFlows)],
    [m.evicted, ({ health }) => one(health.evicted)],
    [m.sampling, ({ health }) => one(health.sampling)],
    [m.sampledOut, ({ health }) => one(health.sampledOut)],
    [m.judge, ({ health }) => one(health.judgeSeconds)],
    [
      m.sourceLag,
      ({ sources }) =>
        sources.filter(({ lag }) => !Number.isNaN(lag)).map(({ name, lag }) => ({ labels: [name], value: lag })),
    ],
    [m.probeEvents, perProbe(({ events }) => events)],
    [m.probeLost, perProbe(({ lost }) => lost)],
    [m.probeShare, perProbe(({ coreShare }) => coreShare)],
  ];
}

/** A counter or gauge whose values are read when it is printed. */
export function valuesOf(definition: MetricDefinition, read: () => readonly MetricSample[]): CustomMetric {
  const labels = new LabelCache(definition.labels);
  const { name, help, type } = definition;
  const metric: CustomMetric = {
    name,
    type,
    // for OpenMetrics, prom-client takes `_total` off a counter's own name and puts it behind that of each value
    get: () => ({
      name: metric.name,
      help,
      type,
      values: labels.keep(read(), (sharedLabels, sample) => ({ value: sample.value, sharedLabels })),
    }),
  };
  return metric;
}

function connectDuration(read: () => readonly HistogramSample[]): CustomMetric {
  const { name, help, type } = CONNECT_DURATION;
  const labels = new LabelCache(CONNECT_DURATION.labels);
  const edges = [...CONNECT_SECONDS_EDGES.map(String), "+Inf"];
  return {
    name,
    type,
    get: () => ({
      name,
      help,
      type,
      values: labels
        .keep(read(), (sharedLabels, sample) => {
          let sum = 0;
          const buckets = edges.map((le, i): PrintedValue => {
            sum += sample.counts[i] ?? 0;
            return { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: sum };
          });
          buckets.push({ metricName: `${name}_sum`, sharedLabels, value: sample.sum });
          buckets.push({ metricName: `${name}_count`, sharedLabels, value: sum });
          return buckets;
        })
        .flat(),
    }),
  };
}

/** Label sets by their values, the same object at every scrape; those that are not printed any more are forgotten. */
class LabelCache {
  private known = new Map<string, Record<string, string>>();
  private readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  keep<Sample extends { labels: readonly string[] }, Printed>(
    samples: readonly Sample[],
    print: (labels: Record<string, string>, sample: Sample) => Printed,
  ): Printed[] {
    const still = new Map<string, Record<string, string>>();
    const printed = samples.map((sample) => {
      const key = sample.labels.join("\u0000");
      const labels =
        this.known.get(key) ?? Object.fromEntries(this.names.map((name, i) => [name, sample.labels[i] ?? ""]));
      still.set(key, labels);
      return print(labels, sample);
    });
    this.known = still;
    return printed;
  }
}
