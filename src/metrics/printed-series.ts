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

/**
 * What prom-client prints of each series, the same objects at every scrape: it writes labels only once for the same
 * object. A series is known by its array of labels, which a session keeps; series seldom come and hardly ever go.
 */
export class PrintedSeries<Sample extends { labels: readonly string[] }, Printed> {
  private readonly known: { labels: readonly string[]; printed: Printed }[] = [];
  private readonly names: readonly string[];
  private readonly as: PrintedAs<Sample, Printed>;
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

  /** Makes series that these samples bring, `most` at once; empty where all are made. */
  grow(samples: readonly Sample[], most: number): Printed[] {
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
    return made;
  }

  private enter({ labels }: Sample, place: number): Printed {
    const named = Object.fromEntries(this.names.map((name, i) => [name, labels[i] ?? ""]));
    const printed = this.as.of(named);
    this.known[place] = { labels, printed };
    return printed;
  }
}
