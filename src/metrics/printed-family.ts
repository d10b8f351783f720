import { CONNECT_SECONDS_EDGES, type Exemplar, type HistogramSample, type MetricSample } from "../live/live-model.ts";
import { CONNECT_DURATION, type MetricDefinition } from "./metric-table.ts";
import { PrintedSeries, type PrintedValue } from "./printed-series.ts";

/** A metric with its series, as every format prints it. */
export interface PrintedFamily {
  definition: MetricDefinition;
  /** As they are now. */
  values(): PrintedValue[];
  /** Makes series that have come since, `most` at once; null where all are made. */
  grow(most: number): PrintedValue[] | null;
}

/** What prom-client asks of a metric when it prints one. */
export interface CustomMetric {
  name: string;
  type: string;
  get(): { name: string; help: string; type: string; values: PrintedValue[] };
}

/** A family for one registry: prom-client renames metrics that it prints, so each registry has its own. */
export function metricOf({ definition: { name, help, type }, values }: PrintedFamily): CustomMetric {
  const metric: CustomMetric = {
    name,
    type,
    // for OpenMetrics, prom-client takes `_total` off a counter's own name and puts it behind that of each value
    get: () => ({ name: metric.name, help, type, values: values() }),
  };
  return metric;
}

/** A counter or gauge whose values are read when it is printed. */
export function familyOf(definition: MetricDefinition, read: () => readonly MetricSample[]): PrintedFamily {
  const series = new PrintedSeries<MetricSample, PrintedValue>(definition.labels, {
    of: (sharedLabels) => ({ sharedLabels, value: 0, exemplar: null }),
    update: (printed, { value, exemplar }) => {
      printed.value = value;
      printed.exemplar = exemplar === undefined ? null : printedExemplar(exemplar);
    },
  });
  return { definition, values: () => series.update(read()), grow: (most) => series.grow(read(), most) };
}

/** The same for one registry alone. */
export function valuesOf(definition: MetricDefinition, read: () => readonly MetricSample[]): CustomMetric {
  return metricOf(familyOf(definition, read));
}

export function connectDurationOf(read: () => readonly HistogramSample[]): PrintedFamily {
  const { name, labels } = CONNECT_DURATION;
  const edges = [...CONNECT_SECONDS_EDGES.map(String), "+Inf"];
  const series = new PrintedSeries<HistogramSample, PrintedValue[]>(labels, {
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
  return {
    definition: CONNECT_DURATION,
    values: () => series.update(read()).flat(),
    grow: (most) => series.grow(read(), Math.ceil(most / (edges.length + 2)))?.flat() ?? null,
  };
}

/** Labels are at most 66 characters with their names: OpenMetrics 1.0 allows 128. */
function printedExemplar({ connection, communityId, value, time }: Exemplar): NonNullable<PrintedValue["exemplar"]> {
  // Prometheus keeps milliseconds
  return { labelSet: { connection, community_id: communityId }, value, timestamp: Math.round(time * 1000) / 1000 };
}
