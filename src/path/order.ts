import * as L from "../flow/leg-layout.ts";
import { Anchors, compareAnchors } from "./anchors.ts";
import type { CaptureClock } from "./clocks.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/** Differences below this are not told apart: time stamps of two taps on one host jitter that much. */
const RESOLUTION_NS = 500;
/** Shorter than the wait before a SYN is sent again: a second (RFC 6298 2.1). */
const SYN_RETRY_NS = 0.5e9;

/** What sorting has to know of a leg; kept from one session to the next. */
class Entry {
  ref: LegRef = 0;
  capture = 0;
  frame = 0;
  /** On the reference clock. */
  start = 0;
  sawSyn = false;
  sawUp = false;
  isInTunnel = false;
  /** Requests that it saw, each once. */
  requests = 0;
  /** TTL of the first packet up and down; 0 where none was seen. */
  ttlUp = 0;
  ttlDown = 0;
  readonly anchors: Anchors = new Anchors();
}

/**
 * Puts the legs of one session into the order in which a packet of the client meets them.
 *
 * Two legs that saw both directions need no clock: the one with the longer round trip behind it is nearer to the
 * client. Others are compared by the time of a packet both saw, corrected by their captures' clocks, or by TTL where
 * nothing ties the clocks to each other.
 */
export class LegOrder {
  private readonly set: LegSet;
  private readonly clocks: readonly CaptureClock[];
  private readonly entries: Entry[] = [];

  constructor(set: LegSet, clocks: readonly CaptureClock[]) {
    this.set = set;
    this.clocks = clocks;
  }

  /** Sorts in place; sessions have a handful of legs. */
  sort(legs: LegRef[]): void {
    if (legs.length < 2) return;
    if (legs.length === 2) {
      const roundTrip = this.handshakeDifference(legs[0]!, legs[1]!);
      if (Math.abs(roundTrip) > RESOLUTION_NS) {
        if (roundTrip < 0) legs.reverse();
        return;
      }
    }
    const { entries } = this;
    for (let i = 0; i < legs.length; i++) this.entry(i, legs[i]!);
    const asked = this.askedFirst(legs.length);
    for (let i = 1; i < asked; i++) {
      const entry = entries[i]!;
      let j = i - 1;
      while (j >= 0 && this.isBefore(entry, entries[j]!)) {
        entries[j + 1] = entries[j]!;
        j--;
      }
      entries[j + 1] = entry;
    }
    for (let i = asked; i < legs.length; i++) this.insertAnswered(i);
    for (let i = 0; i < legs.length; i++) legs[i] = entries[i]!.ref;
  }

  /** Moves the legs that requests passed before those that only answers did; returns how many they are. */
  private askedFirst(count: number): number {
    const { entries } = this;
    let asked = 0;
    for (let i = 0; i < count; i++) {
      const entry = entries[i]!;
      if (!entry.sawUp) continue;
      if (i > asked) {
        entries.copyWithin(asked + 1, asked, i);
        entries[asked] = entry;
      }
      asked++;
    }
    return asked;
  }

  /**
   * Answers that took another way share nothing with the requests' points but those where both passed: such a leg goes
   * right before the first one that it is surely nearer to the client than, or to the end.
   */
  private insertAnswered(at: number): void {
    const { entries } = this;
    const entry = entries[at]!;
    let to = 0;
    while (to < at && !this.isNearer(entry, entries[to]!)) to++;
    entries.copyWithin(to + 1, to, at);
    entries[to] = entry;
  }

  private isNearer(a: Entry, b: Entry): boolean {
    const told = this.compare(a, b);
    return told !== 0 ? told > 0 : a.ttlDown > 0 && a.ttlDown < b.ttlDown;
  }

  /**
   * How much longer SYN-ACK follows SYN at `a` than at `b`, ns; NaN where one of them did not see both just once. It
   * decides for nearly all sessions of one capture, without reading all that could be compared.
   */
  private handshakeDifference(a: LegRef, b: LegRef): number {
    return this.handshakeRoundTrip(a) - this.handshakeRoundTrip(b);
  }

  private handshakeRoundTrip(ref: LegRef): number {
    const { legs } = this.set.trackOf(ref).tracker;
    const leg = this.set.legOf(ref);
    const w = legs.words(leg);
    const at = legs.base(leg);
    if (w[at + L.SIDE_0 + L.SYN_COUNT] !== 1 || w[at + L.SIDE_1 + L.SYN_COUNT] !== 1) return Number.NaN;
    const d = legs.doubles(leg);
    return d[((at + L.SIDE_1) >> 1) + L.SYN_TIME_D]! - d[((at + L.SIDE_0) >> 1) + L.SYN_TIME_D]!;
  }

  private entry(index: number, ref: LegRef): Entry {
    this.entries[index] ??= new Entry();
    const entry = this.entries[index]!;
    const view = this.set.view(ref);
    const clock = this.clocks[this.set.trackOf(ref).capture]!;
    entry.ref = ref;
    entry.capture = this.set.trackOf(ref).capture;
    entry.frame = view.firstFrame;
    entry.sawSyn = view.has(L.LEG_SYN);
    entry.sawUp = view.up.packets > 0;
    entry.isInTunnel = view.isInTunnel;
    entry.requests = view.up.packets - view.up.copies;
    // A reset may be made by any box on the way.
    entry.ttlUp = view.up.packets > view.up.resets ? view.up.firstTtl : 0;
    entry.ttlDown = view.down.packets > view.down.resets ? view.down.firstTtl : 0;
    entry.anchors.read(view);
    const { start } = view;
    entry.start = start - clock.at(start);
    if (clock.samples > 0) entry.anchors.setRight(clock.at);
    return entry;
  }

  private isBefore(a: Entry, b: Entry): boolean {
    const told = this.compare(a, b);
    if (told !== 0) return told > 0;
    // Every router on the way takes one: a client's packet has more left where it is nearer to the client.
    if (a.ttlUp !== b.ttlUp && a.ttlUp > 0 && b.ttlUp > 0) return a.ttlUp > b.ttlUp;
    if (a.ttlDown !== b.ttlDown && a.ttlDown > 0 && b.ttlDown > 0) return a.ttlDown < b.ttlDown;
    const began = b.start - a.start;
    if (this.areComparable(a.capture, b.capture) && Math.abs(began) > RESOLUTION_NS) return began > 0;
    if (a.capture === b.capture) return a.frame < b.frame;
    // Nothing tells, as with a frame that a bridge flooded: what went into a tunnel was plain before, and the way itself
    // saw most of the requests; answers may go another way.
    if (a.isInTunnel !== b.isInTunnel) return b.isInTunnel;
    if (a.requests > 2 * b.requests || b.requests > 2 * a.requests) return a.requests > b.requests;
    return a.capture < b.capture;
  }

  /** Above 0 where a packet that both saw passed `a` first on its way up, below where `b`; 0 where none tells. */
  private compare(a: Entry, b: Entry): number {
    const { up, down } = compareAnchors(a.anchors, b.anchors);
    const areComparable = this.areComparable(a.capture, b.capture);
    // Nothing takes so long on its way: one point saw a SYN, the other that SYN sent again.
    if (areComparable && (Math.abs(up) > SYN_RETRY_NS || Math.abs(down) > SYN_RETRY_NS)) return 0;
    if (Math.abs(up - down) > RESOLUTION_NS) return up - down;
    if (!areComparable) return 0;
    if (Math.abs(up) > RESOLUTION_NS) return up;
    if (Math.abs(down) > RESOLUTION_NS) return -down;
    // The first SYNs seen are the same one where no other can have been sent between.
    const began = a.sawSyn && b.sawSyn ? b.start - a.start : 0;
    return Math.abs(began) > RESOLUTION_NS && Math.abs(began) < SYN_RETRY_NS ? began : 0;
  }

  /** True where packets that both legs saw tell that `a` lies nearer to the client. */
  isAhead(a: LegRef, b: LegRef): boolean {
    const roundTrip = this.handshakeDifference(a, b);
    if (Math.abs(roundTrip) > RESOLUTION_NS) return roundTrip > 0;
    return this.compare(this.entry(0, a), this.entry(1, b)) > 0;
  }

  /** Time of a leg's first packet on the reference clock, ns. */
  referenceStart(ref: LegRef): number {
    const { tracker, capture } = this.set.trackOf(ref);
    const leg = this.set.legOf(ref);
    const w = tracker.legs.words(leg);
    const d = tracker.legs.doubles(leg);
    const at = tracker.legs.base(leg);
    let start = Number.POSITIVE_INFINITY;
    if (w[at + L.SIDE_0 + L.PACKETS]! > 0) start = d[((at + L.SIDE_0) >> 1) + L.FIRST_TIME_D]!;
    if (w[at + L.SIDE_1 + L.PACKETS]! > 0) start = Math.min(start, d[((at + L.SIDE_1) >> 1) + L.FIRST_TIME_D]!);
    return start - this.clocks[capture]!.at(start);
  }

  /** Time of the last packet of any of the legs on the reference clock, ns. */
  referenceEnd(legs: readonly LegRef[]): number {
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < legs.length; i++) {
      const { tracker, capture } = this.set.trackOf(legs[i]!);
      const leg = this.set.legOf(legs[i]!);
      const end = tracker.legs.doubles(leg)[(tracker.legs.base(leg) >> 1) + L.LAST_TIME_D]!;
      last = Math.max(last, end - this.clocks[capture]!.at(end));
    }
    return last;
  }

  /** What the clock of a leg's capture shows more than the reference at the leg's start, ns. */
  shiftOf(ref: LegRef): number {
    return this.clocks[this.set.trackOf(ref).capture]!.at(this.set.view(ref).start);
  }

  /** True where times of the two legs can be compared: one clock, or two that sessions tie to each other. */
  isComparable(a: LegRef, b: LegRef): boolean {
    return this.areComparable(this.set.trackOf(a).capture, this.set.trackOf(b).capture);
  }

  private areComparable(a: number, b: number): boolean {
    return a === b || this.clocks[a]!.group === this.clocks[b]!.group;
  }
}
