import { ADDRESS, CONTEXT, HASH, LEG_REUSED, LEG_WORDS, POINT, PORTS, PROTOCOL, STATE } from "./leg-layout.ts";

/** Legs in one segment of memory. Segments are added, never moved: growing copies nothing. */
const SEGMENT_BITS = 12;
const SEGMENT_LEGS = 1 << SEGMENT_BITS;
const SEGMENT_MASK = SEGMENT_LEGS - 1;
const INITIAL_SLOTS = 1 << 14;

/** A table as plain data, to hand to another thread: its memory can be transferred. */
export interface LegTableSnapshot {
  count: number;
  live: number;
  segments: ArrayBuffer[];
  slots: Int32Array<ArrayBuffer>;
}

/**
 * Storage of legs and the index from 5-tuple to leg: records in typed arrays, and an open-addressing hash table of
 * their numbers. A leg keeps its number for as long as it lives.
 */
export class LegTable {
  /** Legs ever created and not evicted are 0..count-1 minus the free ones. */
  count = 0;
  /** Legs now in the table. */
  live = 0;
  private wordSegments: Int32Array[] = [];
  private doubleSegments: Float64Array[] = [];
  private slots = new Int32Array(INITIAL_SLOTS);
  private used = 0;
  private readonly free: number[] = [];

  /** The segment that holds a leg's words; its record begins at `base(leg)`. */
  words(leg: number): Int32Array {
    return this.wordSegments[leg >>> SEGMENT_BITS]!;
  }

  /** The same memory as doubles; the record begins at `base(leg) / 2`. */
  doubles(leg: number): Float64Array {
    return this.doubleSegments[leg >>> SEGMENT_BITS]!;
  }

  base(leg: number): number {
    return (leg & SEGMENT_MASK) * LEG_WORDS;
  }

  /**
   * The newest leg of a conversation, in either direction, or -1.
   * @param ports source port in the high half, destination port in the low half
   */
  find(
    hash: number,
    point: number,
    context: number,
    protocol: number,
    ports: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    d0: number,
    d1: number,
    d2: number,
    d3: number,
  ): number {
    const slots = this.slots;
    const mask = slots.length - 1;
    const swapped = (ports << 16) | (ports >>> 16);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]!;
      if (entry === 0) return -1;
      if (entry < 0) continue;
      const leg = entry - 1;
      const w = this.wordSegments[leg >>> SEGMENT_BITS]!;
      const at = (leg & SEGMENT_MASK) * LEG_WORDS;
      if (w[at + HASH] !== hash) continue;
      const a = at + ADDRESS;
      const its = w[at + PORTS];
      const same =
        (its === ports &&
          w[a + 3] === s3 &&
          w[a + 7] === d3 &&
          w[a + 2] === s2 &&
          w[a + 6] === d2 &&
          w[a] === s0 &&
          w[a + 1] === s1 &&
          w[a + 4] === d0 &&
          w[a + 5] === d1) ||
        (its === swapped &&
          w[a + 3] === d3 &&
          w[a + 7] === s3 &&
          w[a + 2] === d2 &&
          w[a + 6] === s2 &&
          w[a] === d0 &&
          w[a + 1] === d1 &&
          w[a + 4] === s0 &&
          w[a + 5] === s1);
      if (same && w[at + POINT] === point && w[at + CONTEXT] === context && w[at + PROTOCOL] === protocol) return leg;
    }
  }

  /** A new, zeroed record. Fill in its key, then `link` it. */
  create(): number {
    const recycled = this.free.pop();
    const leg = recycled ?? this.count++;
    if (leg >>> SEGMENT_BITS >= this.wordSegments.length) {
      const memory = new ArrayBuffer(SEGMENT_LEGS * LEG_WORDS * 4);
      this.wordSegments.push(new Int32Array(memory));
      this.doubleSegments.push(new Float64Array(memory));
    } else if (recycled !== undefined) {
      const at = this.base(leg);
      this.words(leg).fill(0, at, at + LEG_WORDS);
    }
    this.live++;
    return leg;
  }

  /** Enters a leg into the index under its key. A leg of the same key that is there is no longer found. */
  link(leg: number, replaces: number): void {
    if ((this.used + 1) * 2 > this.slots.length) this.rehash();
    const hash = this.words(leg)[this.base(leg) + HASH]!;
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.slots[slot]!;
      if (entry === replaces + 1 && replaces >= 0) {
        this.words(replaces)[this.base(replaces) + STATE]! |= LEG_REUSED;
        this.slots[slot] = leg + 1;
        return;
      }
      if (entry === 0) {
        this.slots[slot] = leg + 1;
        this.used++;
        return;
      }
    }
  }

  /** Takes a leg out of the index and frees its record. */
  remove(leg: number): void {
    const at = this.base(leg);
    const words = this.words(leg);
    if ((words[at + STATE]! & LEG_REUSED) === 0) {
      const mask = this.slots.length - 1;
      for (let slot = words[at + HASH]! & mask; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
        if (this.slots[slot] === leg + 1) {
          this.slots[slot] = -1;
          break;
        }
      }
    }
    words[at + PROTOCOL] = 0;
    this.free.push(leg);
    this.live--;
  }

  /** True for a number that holds a leg (and was not evicted). */
  has(leg: number): boolean {
    return leg >= 0 && leg < this.count && this.words(leg)[this.base(leg) + PROTOCOL] !== 0;
  }

  /** The table's own memory, not a copy. */
  snapshot(): LegTableSnapshot {
    return {
      count: this.count,
      live: this.live,
      segments: this.wordSegments.map((words) => words.buffer as ArrayBuffer),
      slots: this.slots,
    };
  }

  /** A table over a snapshot's memory, to be read: it can find legs and does not know which records were freed. */
  static restore(snapshot: LegTableSnapshot): LegTable {
    const table = new LegTable();
    table.count = snapshot.count;
    table.live = snapshot.live;
    table.wordSegments = snapshot.segments.map((memory) => new Int32Array(memory));
    table.doubleSegments = snapshot.segments.map((memory) => new Float64Array(memory));
    table.slots = snapshot.slots;
    return table;
  }

  private rehash(): void {
    const old = this.slots;
    let kept = 0;
    for (const entry of old) if (entry > 0) kept++;
    let size = old.length;
    while ((kept + 1) * 4 > size) size *= 2;
    const slots = new Int32Array(size);
    for (const entry of old) {
      if (entry <= 0) continue;
      let slot = this.words(entry - 1)[this.base(entry - 1) + HASH]! & (size - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      slots[slot] = entry;
    }
    this.slots = slots;
    this.used = kept;
  }
}

/** Hash of a conversation, the same in both directions. */
export function conversationHash(
  s0: number,
  s1: number,
  s2: number,
  s3: number,
  d0: number,
  d1: number,
  d2: number,
  d3: number,
  ports: number,
  salt: number,
): number {
  const source =
    Math.imul(s3 ^ Math.imul(s0 ^ (s1 << 7) ^ s2, 0x27d4eb2f), 0x9e3779b1) + Math.imul(ports >>> 16, 0x85ebca77);
  const target =
    Math.imul(d3 ^ Math.imul(d0 ^ (d1 << 7) ^ d2, 0x27d4eb2f), 0x9e3779b1) + Math.imul(ports & 0xffff, 0x85ebca77);
  let hash = (mix(source) + mix(target) + Math.imul(salt, 0xc2b2ae3d)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return hash ^ (hash >>> 15);
}

function mix(word: number): number {
  const x = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
  return x ^ (x >>> 13);
}
