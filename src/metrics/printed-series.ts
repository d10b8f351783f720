/** A value as prom-client prints it: the labels that stay are kept as one object, which it then writes only once. */
export interface PrintedValue {
  value: number;
  sharedLabels: Record<string, string>;
  metricName?: string;
  labels?: Record<string, string>;
  exemplar: { labelSet: Record<string, string>; value: number; timestamp: number } | null;
}

/** How a sample is printed: made once under its labels, then only set. */
export interface PrintedAs<Sample, Printed> {
  of: (labels: Record<string, string>) => Printed;
  update: (printed: Printed, sample: Sample) => void;
}

/** Series that have gone are remembered until they are more than those that are there, and than this. */
const LEAST_FORGOTTEN = 1000;

/**
 * What prom-client prints of each series, the same objects at every scrape: it writes labels only once for the same
 * object. A series is known by its place and its array of labels, which a session keeps; where one goes, as of gauges
 * some do at every look, those behind it are known by what their labels say.
 */
export class PrintedSeries<Sample extends { labels: readonly string[] }, Printed> {
  private readonly known: { labels: readonly string[]; printed: Printed }[] = [];
  private readonly names: readonly string[];
  private readonly as: PrintedAs<Sample, Printed>;
  /** By labels; null until a series is at another's place. */
  private byLabels: Map<string, Printed> | null = null;
  /** Samples that were looked through for new series, and how far. */
  private looked: { samples: readonly Sample[]; to: number } = { samples: [], to: 0 };

  constructor(names: readonly string[], as: PrintedAs<Sample, Printed>) {
    this.names = names;
    this.as = as;
  }

  update(samples: readonly Sample[]): Printed[] {
    const { known } = this;
    known.length = Math.min(known.length, samples.length);
    return samples.map((sample, place) => {
      const printed = this.known[place]?.labels === sample.labels ? known[place]!.printed : this.enter(sample, place);
      this.as.update(printed, sample);
      return printed;
    });
  }

  /** Makes series that these samples bring, `most` at once; null where all are made. */
  grow(samples: readonly Sample[], most: number): Printed[] | null {
    const made: Printed[] = [];
    let place = this.looked.samples === samples ? this.looked.to : 0;
    for (; place < samples.length && made.length < most; place++) {
      const sample = samples[place]!;
      if (this.known[place]?.labels === sample.labels) continue;
      const printed = this.enter(sample, place);
      this.as.update(printed, sample);
      made.push(printed);
    }
    this.looked = { samples, to: place };
    return made.length === 0 ? null : made;
  }

  private enter({ labels }: Sample, place: number): Printed {
    const printed = this.named(labels, place) ?? this.as.of(this.labelsOf(labels));
    this.known[place] = { labels, printed };
    this.byLabels?.set(keyOf(labels), printed);
    return printed;
  }

  /** A series that was at another place. */
  private named(labels: readonly string[], place: number): Printed | undefined {
    if (this.known[place] === undefined) return this.byLabels?.get(keyOf(labels));
    if (this.byLabels === null || this.byLabels.size > 2 * this.known.length + LEAST_FORGOTTEN) {
      this.byLabels = new Map(this.known.map((one) => [keyOf(one.labels), one.printed]));
    }
    return this.byLabels.get(keyOf(labels));
  }

  private labelsOf(labels: readonly string[]): Record<string, string> {
    return Object.fromEntries(this.names.map((name, i) => [name, labels[i] ?? ""]));
  }
}

function keyOf(labels: readonly string[]): string {
  return labels.join("\u0000");
}
