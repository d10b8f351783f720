import { hsiphash32 } from "../hashing/half-siphash.ts";
import { hsiphash64, sipKey } from "../hashing/siphash.ts";
import { Word64 } from "../hashing/word64.ts";
import { destinationList, fallBack, foldAddress, hashedPort, hashedStep, type IpvsOptions } from "./ipvs-service.ts";
import { MaglevPreferences } from "./maglev-preferences.ts";
import { placementSteps } from "./maglev-selection.ts";
import type { FlowKey, HashBackend, Selection, SelectionMethod } from "./selection.ts";
import { backendStep, hex32, step } from "./step-text.ts";

/** net/netfilter/ipvs/ip_vs_mh.c */
export interface IpvsMhOptions extends IpvsOptions {
  /** CONFIG_IP_VS_MH_TAB_INDEX, 8 to 17. */
  index: number;
  /** Of the kernel's words: 64 or 32, which hash differently. */
  bits: number;
  /** Of each backend with weight 0, in order: what it weighed before, which keeps its entries; none or 0 is never any. */
  before: readonly number[];
}

const PRIMES = [251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071];
const FIRST_INDEX = 8;
const KEY_WORDS = [2654435761, 2654446892] as const;

export const ipvsMh: SelectionMethod<IpvsMhOptions> = {
  id: "ipvs-mh",
  summary: "IPVS scheduler mh, Maglev: source address, with mh-port the source port too",
  defaults: { port: false, fallback: false, order: "newest-first", index: 12, bits: 64, before: [] },
  build: (backends, options = {}) => new IpvsMhSelection(backends, { ...ipvsMh.defaults, ...options }),
};

class IpvsMhSelection implements Selection {
  private readonly backends: readonly HashBackend[];
  private readonly options: IpvsMhOptions;
  private readonly maglev: MaglevPreferences;
  private readonly hash: (address: Uint8Array, port: number, offset: number) => number;

  constructor(backends: readonly HashBackend[], options: IpvsMhOptions) {
    const size = PRIMES[options.index - FIRST_INDEX];
    if (size === undefined) throw new RangeError(`index ${options.index}: the kernel takes 8 to 17`);
    if (options.bits !== 32 && options.bits !== 64) throw new RangeError(`bits ${options.bits}: expected 64 or 32`);
    if (backends.length > size) throw new RangeError(`${backends.length} backends: the table has ${size} entries`);
    this.backends = backends;
    this.options = options;
    this.hash = mhHash(KEY_WORDS[0], options.bits);
    this.maglev = fillTable(backends, options, size, this.hash);
  }

  select(key: FlowKey): number {
    const entry = this.slot(key);
    const backend = this.maglev.table[entry]!;
    if (backend < 0 || this.isAvailable(backend)) return backend;
    const found = this.options.fallback ? this.retry(key, entry) : null;
    return found === null ? -1 : this.maglev.table[found.entry]!;
  }

  explain(key: FlowKey): ReturnType<Selection["explain"]> {
    const { backends, maglev, options } = this;
    const { table } = maglev;
    const entry = this.slot(key);
    const first = table[entry]!;
    const steps = [
      hashedStep(key, options.port),
      step("function", options.bits === 64 ? "hsiphash (SipHash-1-3)" : "hsiphash (HalfSipHash-1-3)"),
      step("seed", `${KEY_WORDS[0]}, ${KEY_WORDS[0]}`),
      step("hash", hex32(this.hash(key.src, hashedPort(key, options.port), 0))),
      step("slot", `${entry} of ${table.length}`),
    ];
    if (first < 0 || this.isAvailable(first)) {
      return {
        backend: first,
        steps: [...steps, backendStep(backends, first), ...placementSteps(maglev, entry, first)],
      };
    }
    steps.push(step("unavailable", `${backends[first]!.name}, weight 0`));
    const found = options.fallback ? this.retry(key, entry) : null;
    if (found === null) return { backend: -1, steps: [...steps, backendStep(backends, -1)] };
    const backend = table[found.entry]!;
    const again = step("fallback", `offset ${found.offset}, slot ${found.entry}`);
    return { backend, steps: [...steps, again, backendStep(backends, backend)] };
  }

  private slot(key: FlowKey): number {
    return this.hash(key.src, hashedPort(key, this.options.port), 0) % this.maglev.table.length;
  }

  private isAvailable(backend: number): boolean {
    return this.backends[backend]!.weight > 0;
  }

  private retry(key: FlowKey, first: number): ReturnType<typeof fallBack> {
    const { table } = this.maglev;
    const port = hashedPort(key, this.options.port);
    const again = (offset: number): number => this.hash(key.src, port, offset) % table.length;
    return fallBack(table, first, again, (backend) => this.isAvailable(backend));
  }
}

/** ip_vs_mh_hashkey. The sum is hashed in the host's byte order, here little-endian. */
function mhHash(keyWord: number, bits: number): (address: Uint8Array, port: number, offset: number) => number {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  const scratch = new Word64();
  const long = new Uint8Array(16);
  // each word of the key is an unsigned long: its upper half is 0 on 64-bit kernels
  for (const at of [0, 8]) new DataView(long.buffer).setUint32(at, keyWord, true);
  const key = sipKey(long);
  return (address, port, offset) => {
    view.setInt32(0, (offset + port + foldAddress(address)) | 0, true);
    return bits === 64 ? hsiphash64(key, bytes, scratch) : hsiphash32([keyWord | 0, keyWord | 0], bytes);
  };
}

function fillTable(
  backends: readonly HashBackend[],
  { order, index, bits, before }: IpvsMhOptions,
  size: number,
  hash: ReturnType<typeof mhHash>,
): MaglevPreferences {
  const skipHash = mhHash(KEY_WORDS[1], bits);
  const maglev = new MaglevPreferences(size, backends.length);
  const list = destinationList(backends, order);
  const weights = list.map((at) => backends[at]!.weight || (before[at] ?? 0));
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  if (divisor === 0) return maglev;
  const largest = Math.max(...weights) / divisor;
  const shift = Math.max(0, 32 - Math.clz32(largest) - (index >> 1));
  const turns = weights.map((weight) => (weight / divisor) >> shift || (weight > 0 ? 1 : 0));
  for (const at of list) {
    const { address, port } = backends[at]!;
    maglev.place(at, hash(address, port, 0) % size, (skipHash(address, port, 0) % (size - 1)) + 1);
  }
  for (;;) {
    for (const [place, at] of list.entries()) {
      for (let turn = 0; turn < turns[place]!; turn++) if (maglev.take(at)) return maglev;
    }
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
