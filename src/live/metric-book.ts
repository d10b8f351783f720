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

/** What was counted, of which an exemplar is made once it is known to stay: its Community ID takes a hash. */
export interface Shown {
  /** Epoch seconds, as the exemplar's. */
  time: number;
  make(): Exemplar;
}

interface Series {
  labels: readonly string[];
  value: number;
  exemplar: Exemplar | Shown | null;
}

interface Histogram {
  labels: readonly string[];
  counts: number[];
  sum: number;
  exemplars: (Exemplar | Shown | null)[];
}

/** Counters and gauges under their labels, bounded: what does not fit counts as `other`. */
export class MetricBook {
  private readonly families = new Map<MetricName, Map<string, Series>>();
  private readonly connects = new Map<string, Histogram>();
  private readonly dropped = new Set<string>();
  /** Those with exemplars that are not made yet. */
  private readonly unmade = new Set<Series>();
  private readonly unmadeConnects = new Set<Histogram>();
  private readonly maxSeries: number;
  private series = 0;

  constructor(maxSeries: number) {
    this.maxSeries = maxSeries;
  }

  /** @param shown what was counted, kept as an exemplar where it is the newest */
  add(name: MetricName, labels: readonly string[], value: number, shown: Shown | null = null): void {
    if (!(value > 0)) return;
    const series = this.seriesOf(name, labels);
    series.value += value;
    if (shown === null || !isNewer(shown, series.exemplar)) return;
    series.exemplar = shown;
    this.unmade.add(series);
  }

  /** Makes the exemplars of what was counted since; to be called while that can still be read. */
  makeExemplars(): void {
    for (const series of this.unmade) series.exemplar = made(series.exemplar);
    for (const histogram of this.unmadeConnects) histogram.exemplars = histogram.exemplars.map(made);
    this.unmade.clear();
    this.unmadeConnects.clear();
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

  connect(labels: readonly string[], seconds: number, shown: Shown | null = null): void {
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
          exemplars: new Array<Exemplar | Shown | null>(CELLS).fill(null),
        };
        this.connects.set(own, histogram);
        this.series += cost;
      }
    }
    const edge = CONNECT_SECONDS_EDGES.findIndex((one) => seconds <= one);
    const cell = edge < 0 ? CELLS - 1 : edge;
    histogram.counts[cell]!++;
    histogram.sum += seconds;
    if (shown === null || !isNewer(shown, histogram.exemplars[cell]!)) return;
    histogram.exemplars[cell] = shown;
    this.unmadeConnects.add(histogram);
  }

  read(name: MetricName): MetricSample[] {
    if (name === "series_dropped_total") return [{ labels: NO_LABELS, value: this.dropped.size }];
    const family = this.families.get(name);
    if (!family) return [];
    this.makeExemplars();
    return Array.from(family.values(), ({ labels, value, exemplar: newest }) => {
      const exemplar = made(newest);
      return exemplar === null ? { labels, value } : { labels, value, exemplar };
    });
  }

  readConnects(): HistogramSample[] {
    this.makeExemplars();
    return Array.from(this.connects.values(), ({ labels, counts, sum, exemplars }) => ({
      labels,
      counts: [...counts],
      sum,
      ...(exemplars.some((one) => one !== null) ? { exemplars: exemplars.map(made) } : {}),
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

function isNewer(shown: Shown, known: Exemplar | Shown | null): boolean {
  return known === null || shown.time >= known.time;
}

function made(exemplar: Exemplar | Shown | null): Exemplar | null {
  return exemplar !== null && "make" in exemplar ? exemplar.make() : exemplar;
}
