import { SipAfterPrefix, type SipKey, siphash24, sipKey } from "../hashing/siphash.ts";
import { Word64 } from "../hashing/word64.ts";

/** Rows of every GLB forwarding table. */
export const GLB_ROWS = 0x10000;

/**
 * GLB director's forwarding table (glb-director, docs/development/glb-hashing.md): each row orders the hosts anew, and
 * its first two are the row's primary and secondary. A row is worked out when it is first asked for, since a table of
 * 1,000 hosts takes 65 million hashes and one connection needs a thousand of them.
 */
export class GlbTable {
  private readonly key: SipKey;
  private readonly hosts: number;
  private readonly scores: SipAfterPrefix;
  private readonly primaries = new Int32Array(GLB_ROWS).fill(-1);
  private readonly secondaries = new Int32Array(GLB_ROWS).fill(-1);
  private readonly known = new Uint8Array(GLB_ROWS);
  private readonly rowBytes = new Uint8Array(4);
  private readonly digest = new Word64();

  /** @param seed of the table, 16 bytes @param addresses of the hosts, 4 or 16 bytes each */
  constructor(seed: Uint8Array, addresses: readonly Uint8Array[]) {
    this.key = sipKey(seed);
    this.hosts = addresses.length;
    // a row's seed is the prefix of what scores its hosts
    this.scores = new SipAfterPrefix(this.key, addresses);
  }

  /** Index of the row's first host, -1 where there is none. */
  primary(row: number): number {
    if (this.known[row] === 0) this.work(row);
    return this.primaries[row]!;
  }

  /** Index of the row's second host, -1 where there is only one. */
  secondary(row: number): number {
    if (this.known[row] === 0) this.work(row);
    return this.secondaries[row]!;
  }

  /** All hosts in the row's order with what they are ordered by, ascending. */
  order(row: number): { host: number; score: bigint }[] {
    this.scores.setPrefix(this.rowSeed(row));
    const scores = Array.from({ length: this.hosts }, (_, host) => {
      this.scores.hash(host, this.digest);
      return { host, score: byteSwapped(this.digest) };
    });
    return scores.sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : a.host - b.host));
  }

  /** The eight bytes that a row's hosts are hashed with, as a number of little-endian bytes. */
  rowSeed(row: number): Word64 {
    new DataView(this.rowBytes.buffer).setUint32(0, row);
    const seed = new Word64();
    siphash24(this.key, this.rowBytes, seed);
    return seed;
  }

  private work(row: number): void {
    this.scores.setPrefix(this.rowSeed(row));
    let [first, firstHi, firstLo] = [-1, 0, 0];
    let [second, secondHi, secondLo] = [-1, 0, 0];
    for (let host = 0; host < this.hosts; host++) {
      this.scores.hash(host, this.digest);
      // digests are compared byte by byte from the first, which is the lowest
      const hi = swapped(this.digest.lo);
      const lo = swapped(this.digest.hi);
      if (first < 0 || hi < firstHi || (hi === firstHi && lo < firstLo)) {
        second = first;
        secondHi = firstHi;
        secondLo = firstLo;
        first = host;
        firstHi = hi;
        firstLo = lo;
      } else if (second < 0 || hi < secondHi || (hi === secondHi && lo < secondLo)) {
        second = host;
        secondHi = hi;
        secondLo = lo;
      }
    }
    this.primaries[row] = first;
    this.secondaries[row] = second;
    this.known[row] = 1;
  }
}

function swapped(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

function byteSwapped(word: Word64): bigint {
  return (BigInt(swapped(word.lo)) << 32n) | BigInt(swapped(word.hi));
}
