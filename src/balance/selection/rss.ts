import { Toeplitz } from "../hashing/toeplitz.ts";
import { FieldBytes, readFields } from "./fields.ts";
import { RSS_KEY } from "./rss-key.ts";
import type { HashBackend, SelectionMethod } from "./selection.ts";
import { slotSelection } from "./slot-selection.ts";
import { hexBytes } from "./step-text.ts";

export interface RssOptions {
  /** 40 bytes or more, as `ethtool -x` shows it. */
  key: Uint8Array;
  /** Entries of the indirection table, a power of two. */
  table: number;
  /** The indirection table itself where it is known: for each entry the number of a queue, counted from 0. */
  indirection: readonly number[];
  /** `src`, `dst`, and with ports `src-port`, `dst-port`, in that order. */
  fields: readonly string[];
}

/** A network card's receive side scaling: the backends are its queues. */
export const rss: SelectionMethod<RssOptions> = {
  id: "rss",
  summary: "receive side scaling of a network card: Toeplitz hash of addresses and ports through a table of queues",
  defaults: { key: RSS_KEY, table: 128, indirection: [], fields: ["src", "dst", "src-port", "dst-port"] },
  build: (backends, options = {}) => {
    const own = { ...rss.defaults, ...options };
    const fields = readFields(own.fields);
    const packer = new FieldBytes(fields);
    const toeplitz = new Toeplitz(own.key);
    const table = indirectionTable(backends, own);
    return slotSelection(backends, {
      fields,
      function: "Toeplitz",
      seed: hexBytes(own.key),
      hash: (key) => toeplitz.hash(packer.bytes, packer.write(key)),
      slots: table,
      slotOf: (hash) => hash & (table.length - 1),
    });
  },
};

/** As drivers fill it where all queues weigh the same (ethtool_rxfh_indir_default), else as `ethtool -X weight` does. */
function indirectionTable(backends: readonly HashBackend[], { table, indirection }: RssOptions): Int32Array {
  const size = indirection.length > 0 ? indirection.length : table;
  if (!Number.isInteger(size) || size < 1 || size > 1 << 16 || (size & (size - 1)) !== 0) {
    throw new RangeError(`table ${size}: an indirection table has a power of two of entries`);
  }
  const entries = new Int32Array(size).fill(-1);
  if (indirection.length > 0) {
    const wrong = indirection.find((queue) => !Number.isInteger(queue) || queue < 0 || queue >= backends.length);
    if (wrong !== undefined) throw new RangeError(`indirection: no queue ${wrong}; ${backends.length} are given`);
    return entries.map((_, at) => indirection[at]!);
  }
  const sum = backends.reduce((total, { weight }) => total + weight, 0);
  if (sum === 0) return entries;
  if (backends.every(({ weight }) => weight === backends[0]!.weight)) {
    return entries.map((_, at) => at % backends.length);
  }
  let queue = -1;
  let partial = 0;
  return entries.map((_, at) => {
    while (at >= Math.floor((size * partial) / sum)) partial += backends[++queue]!.weight;
    return queue;
  });
}
