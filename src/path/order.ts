import { Anchors, compareAnchors } from "./anchors.ts";
import type { CaptureClock } from "./clocks.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/** Differences below this are not told apart: time stamps of two taps on one host jitter that much. */
const RESOLUTION_NS = 500;

/**
 * Puts the legs of one session into the order in which a packet of the client meets them.
 *
 * Two legs that saw both directions need no clock: the one with the longer round trip behind it is nearer to the
 * client. Others are compared by the time of a packet both saw, corrected by their captures' clocks.
 */
export class LegOrder {
  private readonly set: LegSet;
  private readonly clocks: readonly CaptureClock[];
  private readonly anchors: Anchors[] = [];

  constructor(set: LegSet, clocks: readonly CaptureClock[]) {
    this.set = set;
    this.clocks = clocks;
  }

  /** Sorts in place; sessions have a handful of legs. */
  sort(legs: LegRef[]): void {
    if (legs.length < 2) return;
    const entries = legs.map((ref, i) => {
      this.anchors[i] ??= new Anchors();
      const view = this.set.view(ref);
      const anchors = this.anchors[i]!.read(view);
      return { ref, anchors, capture: this.set.trackOf(ref).capture, start: view.start, frame: view.firstFrame };
    });
    for (let i = 1; i < entries.length; i++) {
      const entry = entries[i]!;
      let j = i - 1;
      while (j >= 0 && this.isBefore(entry, entries[j]!)) {
        entries[j + 1] = entries[j]!;
        j--;
      }
      entries[j + 1] = entry;
    }
    entries.forEach((entry, i) => {
      legs[i] = entry.ref;
    });
  }

  private isBefore(a: Entry, b: Entry): boolean {
    const { up, down } = compareAnchors(a.anchors, b.anchors);
    const roundTrip = up - down;
    if (roundTrip > RESOLUTION_NS) return true;
    if (roundTrip < -RESOLUTION_NS) return false;
    const shift = a.capture === b.capture ? 0 : this.shift(a, b);
    if (!Number.isNaN(up) && Math.abs(up - shift) > RESOLUTION_NS) return up - shift > 0;
    if (!Number.isNaN(down) && Math.abs(down - shift) > RESOLUTION_NS) return down - shift < 0;
    const began = b.start - a.start - shift;
    if (Math.abs(began) > RESOLUTION_NS) return began > 0;
    return a.capture === b.capture ? a.frame < b.frame : a.capture < b.capture;
  }

  /** What b's clock shows more than a's, around the time of b's start. */
  private shift(a: Entry, b: Entry): number {
    return this.clocks[b.capture]!.at(b.start) - this.clocks[a.capture]!.at(b.start);
  }

  /** Time of a leg's first packet on the reference clock, ns. */
  referenceStart(ref: LegRef): number {
    const start = this.set.view(ref).start;
    return start - this.clocks[this.set.trackOf(ref).capture]!.at(start);
  }

  /** What the clock of a leg's capture shows more than the reference, ns. */
  shiftOf(ref: LegRef): number {
    return this.clocks[this.set.trackOf(ref).capture]!.at(this.set.view(ref).start);
  }

  /** True where times of the two legs can be compared: one clock, or two whose offset is known. */
  isComparable(a: LegRef, b: LegRef): boolean {
    const one = this.set.trackOf(a).capture;
    const other = this.set.trackOf(b).capture;
    return one === other || this.clocks[one]!.uncertainty + this.clocks[other]!.uncertainty < Number.POSITIVE_INFINITY;
  }
}

interface Entry {
  ref: LegRef;
  anchors: Anchors;
  capture: number;
  start: number;
  frame: number;
}
