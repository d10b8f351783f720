/**
 * Durations counted by size: buckets an eighth of an octave wide (9 %), bucket 0 from 1 µs on. A minute of a backend
 * keeps its durations as the JSON object `{"bucket": count}`, from which quantiles of any span of minutes can be told
 * to some 4 %; any SQLite reads it with json_each.
 */
export class TimeBuckets {
  readonly counts = new Map<number, number>();

  /** @param json as `toJSON` gave it, or null for none. */
  static parse(json: string | null): TimeBuckets {
    const buckets = new TimeBuckets();
    buckets.merge(json);
    return buckets;
  }

  add(seconds: number): void {
    const bucket = seconds <= 1e-6 ? 0 : Math.floor(PER_OCTAVE * Math.log2(seconds * 1e6));
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1);
  }

  merge(json: string | null): void {
    if (json === null) return;
    for (const [bucket, count] of Object.entries(JSON.parse(json) as Record<string, number>)) {
      this.counts.set(Number(bucket), (this.counts.get(Number(bucket)) ?? 0) + count);
    }
  }

  /** null where nothing was counted. */
  text(): string | null {
    if (this.counts.size === 0) return null;
    const sorted = [...this.counts].sort(([a], [b]) => a - b);
    return JSON.stringify(Object.fromEntries(sorted));
  }

  /** Seconds below which a share of the durations lies, the middle of its bucket; null where nothing was counted. */
  quantile(share: number): number | null {
    const sorted = [...this.counts].sort(([a], [b]) => a - b);
    const total = sorted.reduce((sum, [, count]) => sum + count, 0);
    let below = 0;
    for (const [bucket, count] of sorted) {
      below += count;
      if (below >= share * total) return 2 ** ((bucket + 0.5) / PER_OCTAVE) / 1e6;
    }
    return null;
  }
}

const PER_OCTAVE = 8;
