import type { Native } from "./native.ts";
import { ProbeError } from "./probe-error.ts";

/** Map types whose value is one for each possible processor (enum bpf_map_type). */
const PER_CPU_TYPES: ReadonlySet<number> = new Set([5, 6, 10, 21]);
const ENOENT = 2;

/** A map of a loaded object. Keys and values are bytes as the program has them, in the host's byte order. */
export class BpfMap {
  readonly name: string;
  readonly fd: number;
  readonly keyBytes: number;
  /** Of one value, or for a per-processor map of each processor's, rounded up to 8. */
  readonly valueBytes: number;
  /** How many values lie behind one another in what is read: 1, or the possible processors. */
  readonly valuesPerKey: number;
  readonly maxEntries: number;
  private readonly native: Native;
  private batch: { keys: Uint8Array; values: Uint8Array; cursors: [Uint8Array, Uint8Array] } | null = null;

  constructor(native: Native, map: bigint) {
    const { bpf } = native;
    this.native = native;
    this.name = bpf.mapName(map);
    this.fd = bpf.mapFd(map);
    this.keyBytes = bpf.mapKeySize(map);
    this.maxEntries = bpf.mapMaxEntries(map);
    const isPerCpu = PER_CPU_TYPES.has(bpf.mapType(map));
    const size = bpf.mapValueSize(map);
    this.valueBytes = isPerCpu ? (size + 7) & ~7 : size;
    this.valuesPerKey = isPerCpu ? bpf.possibleCpus() : 1;
  }

  /** The value or values of a key, null where the map has none. */
  lookup(key: Uint8Array): Uint8Array | null {
    const value = new Uint8Array(this.valueBytes * this.valuesPerKey);
    const result = this.native.bpf.mapLookup(this.fd, key, value);
    if (result === -ENOENT) return null;
    if (result < 0) throw this.failure("read", result);
    return value;
  }

  /** Adds or replaces. */
  update(key: Uint8Array, value: Uint8Array): void {
    const result = this.native.bpf.mapUpdate(this.fd, key, value, 0);
    if (result < 0) throw this.failure("written", result);
  }

  /** @returns whether there was such a key */
  delete(key: Uint8Array): boolean {
    const result = this.native.bpf.mapDelete(this.fd, key);
    if (result < 0 && result !== -ENOENT) throw this.failure("written", result);
    return result === 0;
  }

  /**
   * Reads all entries of a hash or array map in few system calls (Linux 5.6; per-processor arrays 5.13). Entries that
   * come or go meanwhile may be seen or missed.
   *
   * @param onEntries gets up to `batchEntries` keys and values behind one another; the arrays are used again
   */
  readAll(onEntries: (keys: Uint8Array, values: Uint8Array, count: number) => void, batchEntries = 4096): void {
    const size = Math.min(batchEntries, this.maxEntries);
    const stride = this.valueBytes * this.valuesPerKey;
    if (this.batch === null || this.batch.keys.length < size * this.keyBytes) {
      // the cursor is a u32, or for some maps a key
      const cursor = () => new Uint8Array(Math.max(8, this.keyBytes));
      this.batch = {
        keys: new Uint8Array(size * this.keyBytes),
        values: new Uint8Array(size * stride),
        cursors: [cursor(), cursor()],
      };
    }
    const { keys, values, cursors } = this.batch;
    const count = new Uint32Array(1);
    let [next, previous] = cursors;
    for (let isFirst = true; ; isFirst = false) {
      count[0] = size;
      const from = isFirst ? null : previous;
      const result = this.native.bpf.mapLookupBatch(this.fd, from, next, keys, values, count, null);
      if (result < 0 && result !== -ENOENT) throw this.failure("read", result);
      const got = count[0] ?? 0;
      if (got > 0) onEntries(keys, values, got);
      // the end is told by ENOENT, with the last entries
      if (result === -ENOENT) return;
      [next, previous] = [previous, next];
    }
  }

  private failure(done: string, result: number): ProbeError {
    return new ProbeError(`the kernel's map ${this.name} cannot be ${done} (errno ${-result})`);
  }
}
