import { collectDefaultMetrics, type Metric, Registry, type RegistryContentType } from "prom-client";
import type { LiveHandle } from "../live/live-handle.ts";
import type { LiveModel, MetricSample } from "../live/live-model.ts";
import { LabelWarmer } from "./label-warmer.ts";
import { type MetricDefinition, SESSION_METRICS, WATCHED_METRICS } from "./metric-table.ts";
import { type CustomMetric, connectDurationOf, familyOf, metricOf, type PrintedFamily } from "./printed-family.ts";

export interface ExpositionOptions {
  /** Of l4scope. */
  version: string;
  /** Makes metrics to show behind ours, once for each format: prom-client renames those that it prints. */
  also?: () => readonly CustomMetric[];
}

/** prom-client's own gauges that are called like counters, which promtool takes for a mistake. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/**
 * The metrics of a live session as Prometheus scrapes them. Nothing is counted here: each scrape prints the newest
 * model, whose counters the session keeps.
 */
export class Exposition {
  private readonly plain: Registry;
  private readonly open: Registry;

  /** Makes series between scrapes; see there. */
  readonly warmer: LabelWarmer;

  constructor(handle: Pick<LiveHandle, "model">, options: ExpositionOptions) {
    const watched = watchedFamilies(handle);
    const families = [...watched, ...sessionFamilies(handle, options.version)];
    this.plain = registryOf(families, options, Registry.PROMETHEUS_CONTENT_TYPE);
    this.open = registryOf(families, options, Registry.OPENMETRICS_CONTENT_TYPE);
    this.warmer = new LabelWarmer(watched, () => handle.model().metrics);
  }

  /** @param openMetrics in OpenMetrics 1.0, with exemplars, else in the text format 0.0.4 */
  async print(openMetrics: boolean): Promise<{ contentType: string; body: string }> {
    const registry = openMetrics ? this.open : this.plain;
    return { contentType: registry.contentType, body: await registry.metrics() };
  }
}

function registryOf(
  families: readonly PrintedFamily[],
  { also }: ExpositionOptions,
  type: RegistryContentType,
): Registry {
  const registry = new Registry();
  registry.setContentType(type as typeof Registry.PROMETHEUS_CONTENT_TYPE);
  for (const metric of [...families.map(metricOf), ...(also?.() ?? [])]) {
    registry.registerMetric(metric as unknown as Metric);
  }
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

/** Of what is watched: as many series as there are backends. */
function watchedFamilies(handle: Pick<LiveHandle, "model">): PrintedFamily[] {
  return [
    ...WATCHED_METRICS.map((definition) => familyOf(definition, () => handle.model().metrics[definition.key])),
    connectDurationOf(() => handle.model().metrics.connect_duration_seconds),
  ];
}

function sessionFamilies(handle: Pick<LiveHandle, "model">, version: string): PrintedFamily[] {
  const runtime = `node ${process.version}`;
  return [
    familyOf(SESSION_METRICS.buildInfo, () => [{ labels: [version, runtime], value: 1 }]),
    ...sessionValues().map(([definition, read]) => familyOf(definition, () => read(handle.model()))),
  ];
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
