import { type Anchors, compareAnchors } from "./anchors.ts";

/** One exchange seen by two captures in both directions bounds their offset, as with NTP. */
interface Sample {
  /** By the first capture's clock. */
  time: number;
  /** What the second's shows more than the first's. */
  offset: number;
  uncertainty: number;
}

/** How the second of two clocks stands to the first; ns. */
export interface PairClock {
  offset: number;
  uncertainty: number;
  /** ns per second */
  drift: number;
  step: number;
  samples: number;
  /** What the second clock shows more, at a time of the first. */
  atFirst(time: number): number;
  /** The same at a time of the second. */
  atSecond(time: number): number;
}

/** Estimates kept along a run, to follow drift and steps. */
const WINDOWS = 64;
/** Samples kept for each pair of captures: more would not sharpen the bounds. */
const MOST_SAMPLES = 8192;
/** Packets of one session farther apart than this are compared apart: in between, a clock drifts. */
const EXCHANGE_NS = 1e9;
/** A difference smaller than this is jitter of the stamping, not a clock's. */
const JITTER_NS = 20_000;
/** Change of an offset that no oscillator explains: 500 ppm is what NTP slews at. */
const LARGEST_DRIFT = 500e-6;

/** What sessions tell of two clocks. Samples stay spread over the run: when there are too many, every second goes. */
export class SampleList {
  private list: Sample[] = [];
  private stride = 1;
  private skipped = 0;

  /** Adds what a session tells: its beginning and its end each bound the offset as it was then. */
  addSession(first: Anchors, second: Anchors): void {
    if (++this.skipped < this.stride) return;
    this.skipped = 0;
    const { first: begin, last: end } = first;
    this.addExchange(first, second, begin, begin + EXCHANGE_NS);
    if (end - begin > 2 * EXCHANGE_NS) this.addExchange(first, second, end - EXCHANGE_NS, end);
  }

  private addExchange(first: Anchors, second: Anchors, from: number, to: number): void {
    const { up, down } = compareAnchors(first, second, from, to);
    if (Number.isNaN(up) || Number.isNaN(down)) return;
    this.list.push({ time: from, offset: (up + down) / 2, uncertainty: Math.abs(up - down) / 2 });
    if (this.list.length < MOST_SAMPLES) return;
    this.list = this.list.filter((_, index) => index % 2 === 0);
    this.stride *= 2;
  }

  /** null where no session was seen by both in both directions. */
  estimate(): PairClock | null {
    if (this.list.length === 0) return null;
    const knots = withoutLoose(knotsOf(this.list));
    const { offset } = knots[knots.length >> 1]!;
    const drift = driftOf(knots);
    const atFirst = (time: number) => interpolate(knots, time);
    return {
      offset,
      uncertainty: Math.min(...knots.map((knot) => knot.uncertainty)),
      drift,
      step: largestStep(knots, drift),
      samples: this.list.length,
      atFirst,
      atSecond: (time) => atFirst(time - atFirst(time - offset)),
    };
  }
}

/** The best sample of each window of the run. */
function knotsOf(samples: readonly Sample[]): Sample[] {
  const sorted = samples.toSorted((one, other) => one.time - other.time);
  const begin = sorted[0]!.time;
  const width = Math.max(1, (sorted.at(-1)!.time - begin) / WINDOWS);
  const windows: Sample[][] = [];
  for (const sample of sorted) {
    const own = Math.min(WINDOWS - 1, Math.floor((sample.time - begin) / width));
    windows[own] ??= [];
    windows[own].push(sample);
  }
  return windows.filter((window) => window !== undefined).map(bestOf);
}

/** The tightest few of a window, and of them the middle one: a single mistaken pair must not bend the clock. */
function bestOf(window: readonly Sample[]): Sample {
  const tightest = window.toSorted((one, other) => one.uncertainty - other.uncertainty).slice(0, 5);
  return tightest.toSorted((one, other) => one.offset - other.offset)[tightest.length >> 1]!;
}

/** A knot much looser than the median says little: the lines between its neighbours say more. */
function withoutLoose(knots: readonly Sample[]): readonly Sample[] {
  const limit = Math.max(median(knots.map((knot) => knot.uncertainty)) * 8, JITTER_NS);
  const kept = knots.filter((knot) => knot.uncertainty <= limit);
  return kept.length > 0 ? kept : knots;
}

/** Drift in ns per second, from knots a quarter of the run apart: the median, so that a step does not bend it. */
function driftOf(knots: readonly Sample[]): number {
  const apart = Math.max(1, knots.length >> 2);
  const slopes: number[] = [];
  for (let i = apart; i < knots.length; i++) {
    const [from, to] = [knots[i - apart]!, knots[i]!];
    slopes.push((to.offset - from.offset) / ((to.time - from.time) / 1e9));
  }
  const seconds = (knots.at(-1)!.time - knots[0]!.time) / 1e9;
  if (slopes.length === 0 || seconds < 1) return 0;
  const slope = median(slopes);
  const blur = 2 * median(knots.map((knot) => knot.uncertainty)) + JITTER_NS;
  return Math.abs(slope * seconds) > blur ? slope : 0;
}

function largestStep(knots: readonly Sample[], drift: number): number {
  let step = 0;
  for (let i = 1; i < knots.length; i++) {
    const [from, to] = [knots[i - 1]!, knots[i]!];
    const change = Math.abs(to.offset - from.offset - (drift * (to.time - from.time)) / 1e9);
    if (change > step + from.uncertainty + to.uncertainty + JITTER_NS) step = change;
  }
  return step;
}

function interpolate(knots: readonly Sample[], time: number): number {
  let low = 0;
  let high = knots.length - 1;
  if (!(time > knots[low]!.time)) return knots[low]!.offset;
  if (time >= knots[high]!.time) return knots[high]!.offset;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle]!.time <= time) low = middle;
    else high = middle;
  }
  const [a, b] = [knots[low]!, knots[high]!];
  const share = (time - a.time) / (b.time - a.time);
  const isStep = Math.abs(b.offset - a.offset) > LARGEST_DRIFT * (b.time - a.time) + a.uncertainty + b.uncertainty;
  if (isStep) return share < 0.5 ? a.offset : b.offset;
  return a.offset + (b.offset - a.offset) * share;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}
