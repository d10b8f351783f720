import { hash32 } from "../hashing/hash32.ts";
import { destinationList, fallBack, foldAddress, hashedPort, hashedStep, type IpvsOptions } from "./ipvs-service.ts";
import type { FlowKey, HashBackend, Selection, SelectionMethod } from "./selection.ts";
import { backendStep, step } from "./step-text.ts";

/** net/netfilter/ipvs/ip_vs_sh.c */
export interface IpvsShOptions extends IpvsOptions {
  /** CONFIG_IP_VS_SH_TAB_BITS: the table has two to the power of this many buckets. */
  bits: number;
  /** `hash32` of kernels from 4.18 on, or `multiply` of those before, which keeps the lowest bits of the product. */
  hash: string;
}

/** 2^32 over the golden ratio, as older kernels wrote it. */
const KNUTH = 2654435761;

export const ipvsSh: SelectionMethod<IpvsShOptions> = {
  id: "ipvs-sh",
  summary: "IPVS scheduler sh, source hashing: source address, with sh-port the source port too",
  defaults: { port: false, fallback: false, order: "newest-first", bits: 8, hash: "hash32" },
  build: (backends, options = {}) => new IpvsShSelection(backends, { ...ipvsSh.defaults, ...options }),
};

class IpvsShSelection implements Selection {
  private readonly backends: readonly HashBackend[];
  private readonly options: IpvsShOptions;
  private readonly table: Int32Array;
  private readonly isOld: boolean;

  constructor(backends: readonly HashBackend[], options: IpvsShOptions) {
    const { bits, hash, order } = options;
    if (!Number.isInteger(bits) || bits < 1 || bits > 20)
      throw new RangeError(`bits ${bits}: the kernel takes 4 to 20`);
    if (hash !== "hash32" && hash !== "multiply") throw new RangeError(`hash ${hash}: expected hash32 or multiply`);
    this.backends = backends;
    this.options = options;
    this.isOld = hash === "multiply";
    this.table = new Int32Array(1 << bits).fill(-1);
    const list = destinationList(backends, order);
    let place = 0;
    let taken = 0;
    for (let bucket = 0; bucket < this.table.length && list.length > 0; bucket++) {
      const backend = list[place % list.length]!;
      this.table[bucket] = backend;
      // one with weight 0 has a bucket too, whose clients are turned away
      if (++taken < backends[backend]!.weight) continue;
      taken = 0;
      place++;
    }
  }

  select(key: FlowKey): number {
    const bucket = this.bucket(key, 0);
    const backend = this.table[bucket]!;
    if (backend < 0 || this.isAvailable(backend)) return backend;
    const found = this.options.fallback ? this.retry(key, bucket) : null;
    return found === null ? -1 : this.table[found.entry]!;
  }

  explain(key: FlowKey): ReturnType<Selection["explain"]> {
    const { backends, table, options } = this;
    const bucket = this.bucket(key, 0);
    const first = table[bucket]!;
    const steps = [
      hashedStep(key, options.port),
      step("function", this.isOld ? `× ${KNUTH}, lowest ${options.bits} bits` : `hash_32, ${options.bits} bits`),
      step("hash", `0x${bucket.toString(16).padStart(2, "0")}`),
      step("slot", `${bucket} of ${table.length}`),
    ];
    if (first < 0 || this.isAvailable(first))
      return { backend: first, steps: [...steps, backendStep(backends, first)] };
    steps.push(step("unavailable", `${backends[first]!.name}, weight 0`));
    const found = options.fallback ? this.retry(key, bucket) : null;
    if (found === null) return { backend: -1, steps: [...steps, backendStep(backends, -1)] };
    const backend = table[found.entry]!;
    const again = step("fallback", `offset ${found.offset}, slot ${found.entry}`);
    return { backend, steps: [...steps, again, backendStep(backends, backend)] };
  }

  /** ip_vs_sh_hashkey */
  private bucket(key: FlowKey, offset: number): number {
    const word = (hashedPort(key, this.options.port) + foldAddress(key.src)) | 0;
    const hash = this.isOld ? Math.imul(word, KNUTH) : hash32(word, this.options.bits);
    return (offset + hash) & (this.table.length - 1);
  }

  private isAvailable(backend: number): boolean {
    return this.backends[backend]!.weight > 0;
  }

  private retry(key: FlowKey, first: number): ReturnType<typeof fallBack> {
    return fallBack(
      this.table,
      first,
      (offset) => this.bucket(key, offset),
      (backend) => this.isAvailable(backend),
    );
  }
}
