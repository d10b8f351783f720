/** What is counted over time; CONNECT is the first of a row of histogram cells. */
export const OPENED = 0;
export const BYTES_UP = 1;
export const BYTES_DOWN = 2;
export const PACKETS_UP = 3;
export const PACKETS_DOWN = 4;
/** Resets that did harm, then by who sent them in the order of RESET_AUTHORS. */
export const RESETS = 5;
export const RESETS_BY = 6;
export const REFUSED = 11;
export const TIMEOUTS = 12;
export const RETRANSMITS = 13;
export const CONNECT = 14;
/** Cells of connect times: from 10 µs on, each 1.5 times as wide as the one before (to a minute). */
const CONNECT_CELLS = 40;
const FIRST_CELL_SECONDS = 1e-5;
const CELL_GROWTH = 1.5;
const FIELDS = CONNECT + CONNECT_CELLS;

export const RESET_AUTHORS = ["client", "backend", "lb", "middlebox", "unknown"] as const;

/** Slots of a second for the last minute, and of ten seconds for the last quarter of an hour. */
const FINE_SLOTS = 64;
const COARSE_SLOTS = 92;
const COARSE_SECONDS = 10;
const EMPTY = -1;
/** Times may lie before the base, which is that of the packet read first: stamps count from this far before it. */
const STAMP_ZERO = 4_000_000_000;

/** Counts of one thing (a VIP, a backend, all) in slots of time, for windows of up to 15 minutes: 33 KB. */
export class RateRing {
  private readonly fine = new Float32Array(FINE_SLOTS * FIELDS);
  private readonly fineSecond = new Float64Array(FINE_SLOTS).fill(EMPTY);
  private readonly coarse = new Float32Array(COARSE_SLOTS * FIELDS);
  private readonly coarseSlot = new Float64Array(COARSE_SLOTS).fill(EMPTY);

  /** Adds to a field at a time, seconds since the session's base; what is older than the ring is left out. */
  add(seconds: number, field: number, value: number): void {
    const second = Math.floor(seconds) + STAMP_ZERO;
    add(this.fine, this.fineSecond, FINE_SLOTS, second, field, value);
    add(this.coarse, this.coarseSlot, COARSE_SLOTS, Math.floor(second / COARSE_SECONDS), field, value);
  }

  /** Adds something that came evenly from one time to another. */
  spread(from: number, to: number, field: number, value: number): void {
    const first = Math.floor(from) + STAMP_ZERO;
    const last = Math.max(first, Math.floor(to) + STAMP_ZERO);
    if (last === first) {
      this.add(to, field, value);
      return;
    }
    const each = value / (last - first + 1);
    const since = Math.max(first, last - FINE_SLOTS + 1);
    for (let second = since; second <= last; second++) {
      add(this.fine, this.fineSecond, FINE_SLOTS, second, field, each);
    }
    const lastSlot = Math.floor(last / COARSE_SECONDS);
    const firstSlot = Math.max(Math.floor(first / COARSE_SECONDS), lastSlot - COARSE_SLOTS + 1);
    for (let slot = firstSlot; slot <= lastSlot; slot++) {
      const seconds = Math.min(last + 1, (slot + 1) * COARSE_SECONDS) - Math.max(first, slot * COARSE_SECONDS);
      add(this.coarse, this.coarseSlot, COARSE_SLOTS, slot, field, each * seconds);
    }
  }

  addConnect(seconds: number, connectSeconds: number): void {
    const cell = Math.ceil(Math.log(connectSeconds / FIRST_CELL_SECONDS) / Math.log(CELL_GROWTH));
    this.add(seconds, CONNECT + Math.min(CONNECT_CELLS - 1, Math.max(0, cell)), 1);
  }

  /** Sum over the last `windowSeconds`, the second of `now` included. */
  sum(now: number, windowSeconds: number, field: number): number {
    const last = Math.floor(now) + STAMP_ZERO;
    if (windowSeconds < FINE_SLOTS) {
      return sum(this.fine, this.fineSecond, FINE_SLOTS, last - windowSeconds + 1, last, field);
    }
    const slot = Math.floor(last / COARSE_SECONDS);
    const slots = Math.ceil(windowSeconds / COARSE_SECONDS);
    return sum(this.coarse, this.coarseSlot, COARSE_SLOTS, slot - slots + 1, slot, field);
  }

  /** Quantiles of connect times, seconds: the middle of the cell that holds them; NaN of none. */
  connect(now: number, windowSeconds: number): { p50: number; p99: number; samples: number } {
    const cells = Array.from({ length: CONNECT_CELLS }, (_, cell) => this.sum(now, windowSeconds, CONNECT + cell));
    const samples = cells.reduce((total, count) => total + count, 0);
    return { p50: quantileOf(cells, samples, 0.5), p99: quantileOf(cells, samples, 0.99), samples };
  }

  /** A value per ten seconds for the last `count` (at most 92), oldest first. */
  slots(now: number, count: number, field: number): number[] {
    const last = Math.floor((Math.floor(now) + STAMP_ZERO) / COARSE_SECONDS);
    return Array.from({ length: count }, (_, i) => {
      const slot = last - count + 1 + i;
      return sum(this.coarse, this.coarseSlot, COARSE_SLOTS, slot, slot, field);
    });
  }
}

function add(
  values: Float32Array,
  stamps: Float64Array,
  slots: number,
  stamp: number,
  field: number,
  value: number,
): void {
  const slot = stamp % slots;
  if (stamps[slot]! > stamp) return;
  if (stamps[slot] !== stamp) {
    values.fill(0, slot * FIELDS, (slot + 1) * FIELDS);
    stamps[slot] = stamp;
  }
  values[slot * FIELDS + field]! += value;
}

function sum(
  values: Float32Array,
  stamps: Float64Array,
  slots: number,
  from: number,
  to: number,
  field: number,
): number {
  let total = 0;
  for (let stamp = Math.max(from, to - slots + 1); stamp <= to; stamp++) {
    const slot = stamp % slots;
    if (stamps[slot] === stamp) total += values[slot * FIELDS + field]!;
  }
  return total;
}

function quantileOf(cells: readonly number[], samples: number, q: number): number {
  if (samples === 0) return Number.NaN;
  let rank = Math.ceil(q * samples);
  for (const [cell, count] of cells.entries()) {
    rank -= count;
    if (rank <= 0) return FIRST_CELL_SECONDS * CELL_GROWTH ** (cell - 0.5);
  }
  return FIRST_CELL_SECONDS * CELL_GROWTH ** (CONNECT_CELLS - 1);
}
