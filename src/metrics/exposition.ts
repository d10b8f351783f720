import { collectDefaultMetrics, type Metric, Registry, type RegistryContentType } from "prom-client";
import type { LiveHandle } from "../live/live-handle.ts";
import {
  CONNECT_SECONDS_EDGES,
  type Exemplar,
  type HistogramSample,
  type LiveModel,
  type MetricSample,
} from "../live/live-model.ts";
import { CONNECT_DURATION, type MetricDefinition, SESSION_METRICS, WATCHED_METRICS } from "./metric-table.ts";

export interface ExpositionOptions {
  /** Of l4scope. */
  version: string;
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
  exemplar: { labelSet: Record<string, string>; value: number; timestamp: number } | null;
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
  { version, also }: ExpositionOptions,
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
    [
      m.drops,
      ({ drops }) => (drops?.counts ?? []).map(({ reason, packets }) => ({ labels: [reason], value: packets })),
    ],
    [m.probeEvents, perProbe(({ events }) => events)],
    [m.probeLost, perProbe(({ lost }) => lost)],
    [m.probeShare, perProbe(({ coreShare }) => coreShare)],
  ];
}

/** A counter or gauge whose values are read when it is printed. */
export function valuesOf(definition: MetricDefinition, read: () => readonly MetricSample[]): CustomMetric {
  const series = new PrintedSeries<MetricSample, PrintedValue>(definition.labels, {
    of: (sharedLabels) => ({ sharedLabels, value: 0, exemplar: null }),
    update: (printed, { value, exemplar }) => {
      printed.value = value;
      printed.exemplar = exemplar === undefined ? null : printedExemplar(exemplar);
    },
  });
  const { name, help, type } = definition;
  const metric: CustomMetric = {
    name,
    type,
    // for OpenMetrics, prom-client takes `_total` off a counter's own name and puts it behind that of each value
    get: () => ({ name: metric.name, help, type, values: series.update(read()) }),
  };
  return metric;
}

function connectDuration(read: () => readonly HistogramSample[]): CustomMetric {
  const { name, help, type } = CONNECT_DURATION;
  const edges = [...CONNECT_SECONDS_EDGES.map(String), "+Inf"];
  const series = new PrintedSeries<HistogramSample, PrintedValue[]>(CONNECT_DURATION.labels, {
    of: (sharedLabels) => [
      ...edges.map((le) => ({
        metricName: `${name}_bucket`,
        labels: { le },
        sharedLabels,
        value: 0,
        exemplar: null,
      })),
      { metricName: `${name}_sum`, sharedLabels, value: 0, exemplar: null },
      { metricName: `${name}_count`, sharedLabels, value: 0, exemplar: null },
    ],
    update: (printed, { counts, sum, exemplars }) => {
      let cumulated = 0;
      edges.forEach((_, i) => {
        cumulated += counts[i] ?? 0;
        const bucket = printed[i]!;
        const exemplar = exemplars?.[i] ?? null;
        bucket.value = cumulated;
        bucket.exemplar = exemplar === null ? null : printedExemplar(exemplar);
      });
      printed[edges.length]!.value = sum;
      printed[edges.length + 1]!.value = cumulated;
    },
  });
  return { name, type, get: () => ({ name, help, type, values: series.update(read()).flat() }) };
}

/** Labels are at most 66 characters with their names: OpenMetrics 1.0 allows 128. */
function printedExemplar({ connection, communityId, value, time }: Exemplar): NonNullable<PrintedValue["exemplar"]> {
  // Prometheus keeps milliseconds
  return { labelSet: { connection, community_id: communityId }, value, timestamp: Math.round(time * 1000) / 1000 };
}

/**
 * What prom-client prints of each series, the same objects at every scrape: it writes labels only once for the same
 * object. A series is known by its array of labels, which a session keeps; series seldom come and hardly ever go.
 */
class PrintedSeries<Sample extends { labels: readonly string[] }, Printed> {
  private readonly known: { labels: readonly string[]; printed: Printed }[] = [];
  private readonly names: readonly string[];
  private readonly of: (labels: Record<string, string>) => Printed;
  private readonly set: (printed: Printed, sample: Sample) => void;

  constructor(
    names: readonly string[],
    how: { of: (labels: Record<string, string>) => Printed; update: (printed: Printed, sample: Sample) => void },
  ) {
    this.names = names;
    this.of = how.of;
    this.set = how.update;
  }

  update(samples: readonly Sample[]): Printed[] {
    const { known, names } = this;
    known.length = Math.min(known.length, samples.length);
    return samples.map((sample, place) => {
      const { labels } = sample;
      let series = known[place];
      if (series?.labels !== labels) {
        const named = Object.fromEntries(names.map((name, i) => [name, labels[i] ?? ""]));
        series = { labels, printed: this.of(named) };
        known[place] = series;
      }
      this.set(series.printed, sample);
      return series.printed;
    });
  }
}
