const PER_OCTAVE = 8;
/** Bucket 0 from 1 µs on, the last one beyond ten days. */
const BUCKETS = 320;

/**
 * Durations counted by size: buckets an eighth of an octave wide (9 %), bucket 0 from 1 µs on. A minute of a backend
 * keeps its durations as the JSON object `{"bucket": count}`, from which quantiles of any span of minutes can be told
 * to some 4 %; any SQLite reads it with json_each.
 */
export class TimeBuckets {
  private readonly counts = new Float64Array(BUCKETS);
  private total = 0;

  /** @param json as `text` gave it, or null for none. */
  static parse(json: string | null): TimeBuckets {
    const buckets = new TimeBuckets();
    buckets.merge(json);
    return buckets;
  }

  /** How many durations were counted. */
  get size(): number {
    return this.total;
  }

  add(seconds: number): void {
    this.count(bucketOf(seconds), 1);
  }

  /** Takes back what was added. */
  remove(seconds: number): void {
    const bucket = Math.min(bucketOf(seconds), BUCKETS - 1);
    if (this.counts[bucket]! > 0) this.count(bucket, -1);
  }

  /** Adds what a text counts. Read by hand: a question merges tens of thousands, and JSON.parse takes three times as long. */
  merge(json: string | null): void {
    if (json === null) return;
    let number = 0;
    let bucket = 0;
    for (let i = 0; i < json.length; i++) {
      const code = json.charCodeAt(i);
      if (code >= DIGIT_0 && code <= DIGIT_9) {
        number = number * 10 + code - DIGIT_0;
      } else if (code === COLON) {
        bucket = number;
        number = 0;
      } else if (code === COMMA || code === CLOSING) {
        this.count(bucket, number);
        number = 0;
      }
    }
  }

  /** null where nothing was counted. */
  text(): string | null {
    if (this.total === 0) return null;
    const parts: string[] = [];
    this.counts.forEach((count, bucket) => {
      if (count > 0) parts.push(`"${bucket}":${count}`);
    });
    return `{${parts.join(",")}}`;
  }

  /** Seconds below which a share of the durations lies, the middle of its bucket; null where nothing was counted. */
  quantile(share: number): number | null {
    let below = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      below += this.counts[bucket]!;
      if (below > 0 && below >= share * this.total) return 2 ** ((bucket + 0.5) / PER_OCTAVE) / 1e6;
    }
    return null;
  }

  private count(bucket: number, count: number): void {
    this.counts[Math.min(bucket, BUCKETS - 1)]! += count;
    this.total += count;
  }
}

function bucketOf(seconds: number): number {
  return seconds <= 1e-6 ? 0 : Math.floor(PER_OCTAVE * Math.log2(seconds * 1e6));
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;
const COLON = 58;
const COMMA = 44;
const CLOSING = 125;
