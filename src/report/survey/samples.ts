/**
 * Three numbers for each leg, and the row of a table it belongs to. They are written one after the other, which costs
 * next to nothing; what is asked of a row is worked out when it is asked.
 */
export class Samples {
  private count = 0;
  private readonly rows: Int32Array;
  private readonly columns: readonly Float64Array[];

  /** @param capacity samples that will be added at most. */
  constructor(capacity: number) {
    this.rows = new Int32Array(capacity);
    this.columns = [0, 1, 2].map(() => new Float64Array(capacity));
  }

  add(row: number, first: number, second: number, third: number): void {
    const at = this.count++;
    this.rows[at] = row;
    this.columns[0]![at] = first;
    this.columns[1]![at] = second;
    this.columns[2]![at] = third;
  }

  /** A column's values in a row, smallest first, without NaN and negative ones. */
  sorted(row: number, column: 0 | 1 | 2): Float64Array {
    const { rows, count } = this;
    const values = this.columns[column]!;
    const own: number[] = [];
    for (let i = 0; i < count; i++) if (rows[i] === row && values[i]! >= 0) own.push(values[i]!);
    return Float64Array.from(own).sort();
  }
}

/**
 * The value that a share of all is at or below (nearest rank); NaN without values.
 *
 * @param sorted smallest first.
 * @param share 0..1; 0.5 is the median.
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** How many different values there are. */
export function distinct(sorted: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) count++;
  return count;
}
