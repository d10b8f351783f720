import type { AddressWords } from "../../flow/leg-view.ts";

const KEY_WORDS = 6;
const INITIAL_ROWS = 64;

/**
 * Counters by key, in typed arrays: a capture of a flood has a row for each of a million addresses. A key is an address
 * and two numbers more.
 */
export class CountTable {
  /** Rows 0..size-1 are there. */
  size = 0;
  /** A row's counters begin at `row * counters`. Replaced when the table grows: read it after `row`. */
  counts: Float64Array;
  private readonly counters: number;
  private keys = new Int32Array(INITIAL_ROWS * KEY_WORDS);
  /** Row + 1 by hash, open addressing; 0 is free. */
  private slots = new Int32Array(INITIAL_ROWS * 4);

  /** @param counters numbers kept for each key, all 0 at first. */
  constructor(counters: number) {
    this.counters = counters;
    this.counts = new Float64Array(INITIAL_ROWS * counters);
  }

  /** The row of a key, made where there is none. */
  row(a0: number, a1: number, a2: number, a3: number, first: number, second: number): number {
    const mask = this.slots.length - 1;
    for (let slot = hashKey(a0, a1, a2, a3, first, second) & mask; ; slot = (slot + 1) & mask) {
      const row = this.slots[slot]! - 1;
      if (row < 0) return this.insert(slot, a0, a1, a2, a3, first, second);
      const k = row * KEY_WORDS;
      const keys = this.keys;
      if (
        keys[k + 3] === a3 &&
        keys[k + 4] === first &&
        keys[k + 5] === second &&
        keys[k + 2] === a2 &&
        keys[k + 1] === a1 &&
        keys[k] === a0
      ) {
        return row;
      }
    }
  }

  get(row: number, counter: number): number {
    return this.counts[row * this.counters + counter]!;
  }

  address(row: number): AddressWords {
    const k = row * KEY_WORDS;
    return [this.keys[k]!, this.keys[k + 1]!, this.keys[k + 2]!, this.keys[k + 3]!];
  }

  /** The first or second number of a row's key. */
  key(row: number, which: 0 | 1): number {
    return this.keys[row * KEY_WORDS + 4 + which]!;
  }

  private insert(slot: number, a0: number, a1: number, a2: number, a3: number, first: number, second: number): number {
    const row = this.size++;
    if (row * KEY_WORDS === this.keys.length) this.grow();
    const k = row * KEY_WORDS;
    this.keys[k] = a0;
    this.keys[k + 1] = a1;
    this.keys[k + 2] = a2;
    this.keys[k + 3] = a3;
    this.keys[k + 4] = first;
    this.keys[k + 5] = second;
    this.slots[slot] = row + 1;
    if (this.size * 2 > this.slots.length) this.rehash();
    return row;
  }

  private grow(): void {
    const keys = new Int32Array(this.keys.length * 2);
    keys.set(this.keys);
    this.keys = keys;
    const counts = new Float64Array(this.counts.length * 2);
    counts.set(this.counts);
    this.counts = counts;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 4);
    const mask = slots.length - 1;
    const keys = this.keys;
    for (let row = 0; row < this.size; row++) {
      const k = row * KEY_WORDS;
      let slot = hashKey(keys[k]!, keys[k + 1]!, keys[k + 2]!, keys[k + 3]!, keys[k + 4]!, keys[k + 5]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = row + 1;
    }
    this.slots = slots;
  }
}

function hashKey(a0: number, a1: number, a2: number, a3: number, first: number, second: number): number {
  let hash = Math.imul(a3 ^ Math.imul(a2 ^ Math.imul(a1 ^ Math.imul(a0, 31), 31), 31), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ Math.imul(first, 0x85ebca77), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 13) ^ Math.imul(second, 0xc2b2ae3d), 0x7feb352d);
  return hash ^ (hash >>> 16);
}
