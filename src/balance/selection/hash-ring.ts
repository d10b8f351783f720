import type { Word64 } from "../hashing/word64.ts";

/** Points on a circle of 64-bit hashes, each a backend's, that is walked clockwise from a key's hash. */
export class HashRing {
  private readonly his: Int32Array;
  private readonly los: Int32Array;
  /** Index of the backend of each point, in the order of the circle. */
  readonly backends: Int32Array;

  /**
   * Points with the same hash stay in the order given.
   * @param onlyFirst whether of those with the same hash only the first is kept
   */
  constructor(his: Int32Array, los: Int32Array, backends: Int32Array, onlyFirst = false) {
    const order = Uint32Array.from(los, (_, at) => at);
    order.sort((a, b) => (his[a]! >>> 0) - (his[b]! >>> 0) || (los[a]! >>> 0) - (los[b]! >>> 0) || a - b);
    const kept = onlyFirst
      ? order.filter((own, at) => at === 0 || his[own] !== his[order[at - 1]!] || los[own] !== los[order[at - 1]!])
      : order;
    this.his = Int32Array.from(kept, (at) => his[at]!);
    this.los = Int32Array.from(kept, (at) => los[at]!);
    this.backends = Int32Array.from(kept, (at) => backends[at]!);
  }

  get size(): number {
    return this.los.length;
  }

  /** The first point whose hash is not below the key's, else the first of all; -1 on an empty ring. */
  find(hash: Word64): number {
    const { his, los } = this;
    const hi = hash.hi >>> 0;
    const lo = hash.lo >>> 0;
    let from = 0;
    let to = los.length;
    if (to === 0) return -1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const own = his[middle]! >>> 0;
      if (own < hi || (own === hi && los[middle]! >>> 0 < lo)) from = middle + 1;
      else to = middle;
    }
    return from === los.length ? 0 : from;
  }

  /** The hash of a point. */
  read(point: number, into: Word64): Word64 {
    return into.set(this.his[point]!, this.los[point]!);
  }

  /** How many points a backend has. */
  count(backend: number): number {
    let points = 0;
    for (const owner of this.backends) if (owner === backend) points++;
    return points;
  }
}
