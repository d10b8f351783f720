import {
  CONNECT_SECONDS_EDGES,
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

interface Histogram {
  labels: readonly string[];
  counts: number[];
  sum: number;
}

/** Counters and gauges under their labels, bounded: what does not fit counts as `other`. */
export class MetricBook {
  private readonly families = new Map<MetricName, Map<string, { labels: readonly string[]; value: number }>>();
  private readonly connects = new Map<string, Histogram>();
  private readonly dropped = new Set<string>();
  private readonly maxSeries: number;
  private series = 0;

  constructor(maxSeries: number) {
    this.maxSeries = maxSeries;
  }

  add(name: MetricName, labels: readonly string[], value: number): void {
    if (value > 0) this.sample(name, labels).value += value;
  }

  /** Sets a counter that is kept elsewhere; it never goes back. */
  raise(name: MetricName, labels: readonly string[], value: number): void {
    const sample = this.sample(name, labels);
    if (value > sample.value) sample.value = value;
  }

  /** Replaces all values of a gauge. Those that share `other` are added up. */
  replace(name: MetricName, values: Iterable<readonly [labels: readonly string[], value: number]>): void {
    const family = this.families.get(name);
    if (family) {
      this.series -= family.size;
      family.clear();
    }
    for (const [labels, value] of values) this.sample(name, labels).value += value;
  }

  connect(labels: readonly string[], seconds: number): void {
    const key = labels.join("\u0000");
    let histogram = this.connects.get(key);
    if (!histogram) {
      const cost = CONNECT_SECONDS_EDGES.length + 3;
      const fits = this.series + cost <= this.maxSeries;
      const named = fits ? labels : [OTHER, ...labels.slice(1)];
      if (!fits) this.drop(`connect ${key}`);
      const own = named.join("\u0000");
      histogram = this.connects.get(own);
      if (!histogram) {
        histogram = { labels: named, counts: new Array<number>(CONNECT_SECONDS_EDGES.length + 1).fill(0), sum: 0 };
        this.connects.set(own, histogram);
        this.series += cost;
      }
    }
    const cell = CONNECT_SECONDS_EDGES.findIndex((edge) => seconds <= edge);
    histogram.counts[cell < 0 ? CONNECT_SECONDS_EDGES.length : cell]!++;
    histogram.sum += seconds;
  }

  read(name: MetricName): MetricSample[] {
    if (name === "series_dropped_total") return [{ labels: [], value: this.dropped.size }];
    return [...(this.families.get(name)?.values() ?? [])].map(({ labels, value }) => ({ labels, value }));
  }

  readConnects(): HistogramSample[] {
    return [...this.connects.values()].map(({ labels, counts, sum }) => ({ labels, counts: [...counts], sum }));
  }

  private sample(name: MetricName, labels: readonly string[]): { labels: readonly string[]; value: number } {
    let family = this.families.get(name);
    if (!family) {
      family = new Map();
      this.families.set(name, family);
    }
    const key = labels.join("\u0000");
    const known = family.get(key);
    if (known) return known;
    if (this.series >= this.maxSeries) {
      const names: readonly string[] = METRIC_LABELS[name];
      const bounded = labels.map((label, i) => (OPEN_LABELS.has(names[i]!) ? OTHER : label));
      this.drop(`${name} ${key}`);
      const boundedKey = bounded.join("\u0000");
      const other = family.get(boundedKey);
      if (other) return other;
      return enter(family, boundedKey, bounded, () => this.series++);
    }
    return enter(family, key, labels, () => this.series++);
  }

  private drop(key: string): void {
    if (this.dropped.size < DROPPED_KNOWN) this.dropped.add(key);
  }
}

function enter(
  family: Map<string, { labels: readonly string[]; value: number }>,
  key: string,
  labels: readonly string[],
  entered: () => void,
): { labels: readonly string[]; value: number } {
  const sample = { labels, value: 0 };
  family.set(key, sample);
  entered();
  return sample;
}
