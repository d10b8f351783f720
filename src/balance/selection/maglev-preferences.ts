/**
 * The lists of preferences that Maglev fills its table by (Eisenbud et al., NSDI 2016, section 3.4): backend i would
 * like entry (offset + j × skip) mod size, j from 0. Who takes how many turns is each load balancer's own affair.
 */
export class MaglevPreferences {
  /** Index of the backend in each entry, -1 where it is empty. */
  readonly table: Int32Array;
  readonly offsets: Uint32Array;
  readonly skips: Uint32Array;
  private readonly next: Uint32Array;
  private filled = 0;

  /** @param size a prime */
  constructor(size: number, backends: number) {
    this.table = new Int32Array(size).fill(-1);
    this.offsets = new Uint32Array(backends);
    this.skips = new Uint32Array(backends);
    this.next = new Uint32Array(backends);
  }

  /** @param skip from 1 to the size less 1 */
  place(backend: number, offset: number, skip: number): void {
    this.offsets[backend] = offset;
    this.skips[backend] = skip;
    this.next[backend] = offset;
  }

  /** The backend takes the first entry of its list that is empty. @returns whether the table is full then */
  take(backend: number): boolean {
    const { table, next } = this;
    const size = table.length;
    const skip = this.skips[backend]!;
    let entry = next[backend]!;
    while (table[entry]! >= 0) {
      entry += skip;
      if (entry >= size) entry -= size;
    }
    table[entry] = backend;
    next[backend] = entry;
    return ++this.filled === size;
  }
}
