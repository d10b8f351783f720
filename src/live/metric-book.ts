import {
  CONNECT_SECONDS_EDGES,
  type Exemplar,
  type HistogramSample,
  METRIC_LABELS,
  type MetricName,
  type MetricSample,
} from "./live-model.ts";

/** What stands for a name that found no room. */
export const OTHER = "other";
/** Labels whose values come from the traffic, and so can be any number. */
const OPEN_LABELS = new Set<string>(["vip", "backend", "member"]);
/** Names that found no room are told apart up to this many. */
const DROPPED_KNOWN = 20_000;

const CELLS = CONNECT_SECONDS_EDGES.length + 1;

interface Series {
  labels: readonly string[];
  value: number;
  exemplar: Exemplar | null;
}

interface Histogram {
  labels: readonly string[];
  counts: number[];
  sum: number;
  exemplars: (Exemplar | null)[];
}

/** Counters and gauges under their labels, bounded: what does not fit counts as `other`. */
export class MetricBook {
  private readonly families = new Map<MetricName, Map<string, Series>>();
  private readonly connects = new Map<string, Histogram>();
  private readonly dropped = new Set<string>();
  private readonly maxSeries: number;
  private series = 0;

  constructor(maxSeries: number) {
    this.maxSeries = maxSeries;
  }

  /** @param exemplar what was counted, kept where it is the newest */
  add(name: MetricName, labels: readonly string[], value: number, exemplar: Exemplar | null = null): void {
    if (!(value > 0)) return;
    const series = this.seriesOf(name, labels);
    series.value += value;
    series.exemplar = newerOf(series.exemplar, exemplar);
  }

  /** Sets a counter that is kept elsewhere; it never goes back. */
  raise(name: MetricName, labels: readonly string[], value: number): void {
    const series = this.seriesOf(name, labels);
    if (value > series.value) series.value = value;
  }

  /** Replaces all values of a gauge. Those that share `other` are added up; series that stay keep their place. */
  replace(name: MetricName, values: Iterable<readonly [labels: readonly string[], value: number]>): void {
    const named = new Map(Array.from(values, (one) => [one[0].join("\u0000"), one] as const));
    const family = this.families.get(name);
    // what is not set again gives its room to what is new
    for (const [key, series] of family ?? []) {
      series.value = 0;
      if (!named.has(key) && family?.delete(key)) this.series--;
    }
    for (const [labels, value] of named.values()) this.seriesOf(name, labels).value += value;
  }

  connect(labels: readonly string[], seconds: number, exemplar: Exemplar | null = null): void {
    const key = labels.join("\u0000");
    let histogram = this.connects.get(key);
    if (!histogram) {
      const cost = CELLS + 2;
      const fits = this.series + cost <= this.maxSeries;
      const named = fits ? labels : [OTHER, ...labels.slice(1)];
      if (!fits) this.drop(`connect ${key}`);
      const own = named.join("\u0000");
      histogram = this.connects.get(own);
      if (!histogram) {
        histogram = {
          labels: named,
          counts: new Array<number>(CELLS).fill(0),
          sum: 0,
          exemplars: new Array<Exemplar | null>(CELLS).fill(null),
        };
        this.connects.set(own, histogram);
        this.series += cost;
      }
    }
    const edge = CONNECT_SECONDS_EDGES.findIndex((one) => seconds <= one);
    const cell = edge < 0 ? CELLS - 1 : edge;
    histogram.counts[cell]!++;
    histogram.sum += seconds;
    histogram.exemplars[cell] = newerOf(histogram.exemplars[cell]!, exemplar);
  }

  read(name: MetricName): MetricSample[] {
    if (name === "series_dropped_total") return [{ labels: NO_LABELS, value: this.dropped.size }];
    const family = this.families.get(name);
    if (!family) return [];
    return Array.from(family.values(), ({ labels, value, exemplar }) =>
      exemplar === null ? { labels, value } : { labels, value, exemplar },
    );
  }

  readConnects(): HistogramSample[] {
    return Array.from(this.connects.values(), ({ labels, counts, sum, exemplars }) => ({
      labels,
      counts: [...counts],
      sum,
      ...(exemplars.some((one) => one !== null) ? { exemplars: [...exemplars] } : {}),
    }));
  }

  private seriesOf(name: MetricName, labels: readonly string[]): Series {
    let family = this.families.get(name);
    if (!family) {
      family = new Map();
      this.families.set(name, family);
    }
    const key = labels.join("\u0000");
    const known = family.get(key);
    if (known) return known;
    if (this.series < this.maxSeries) return this.enter(family, key, labels);
    const names: readonly string[] = METRIC_LABELS[name];
    const bounded = labels.map((label, i) => (OPEN_LABELS.has(names[i]!) ? OTHER : label));
    this.drop(`${name} ${key}`);
    const boundedKey = bounded.join("\u0000");
    return family.get(boundedKey) ?? this.enter(family, boundedKey, bounded);
  }

  private enter(family: Map<string, Series>, key: string, labels: readonly string[]): Series {
    const series = { labels, value: 0, exemplar: null };
    family.set(key, series);
    this.series++;
    return series;
  }

  private drop(key: string): void {
    if (this.dropped.size < DROPPED_KNOWN) this.dropped.add(key);
  }
}

const NO_LABELS: readonly string[] = [];

function newerOf(known: Exemplar | null, other: Exemplar | null): Exemplar | null {
  if (known === null || other === null) return known ?? other;
  return other.time >= known.time ? other : known;
}
