import type { Packet } from "../decode/packet.ts";
import { EVENT_COUNT, EVENT_HEAD, EVENT_TAIL, EVENTS_KEPT } from "./leg-layout.ts";
import type { LegTable } from "./leg-table.ts";

/** Kinds of events: what later rooms need to know of single packets. */
export const RESET = 1;
/** A segment sent again; a SYN too. */
export const RETRANSMIT = 2;
/** The leg's frames go to or come from other MACs than before. */
export const MOVE = 3;
/** An ICMP error that quotes the leg. */
export const ICMP_ERROR = 4;
/** A segment of the side whose reset was already seen. */
export const AFTER_RESET = 5;
/** The first packet after a silence. */
export const SILENCE_BROKEN = 6;

/** Events kept in all (128 bytes each), and of one leg by kind; more are counted only. */
const MAX_EVENTS = 400_000;
const MAX_PER_LEG = new Int32Array(8);
/** What comes by the thousand leaves room for what says how a leg ended. */
MAX_PER_LEG[RETRANSMIT] = 24;
MAX_PER_LEG[AFTER_RESET] = 32;
MAX_PER_LEG[MOVE] = 36;
MAX_PER_LEG[SILENCE_BROKEN] = 40;
MAX_PER_LEG[ICMP_ERROR] = 44;
MAX_PER_LEG[RESET] = 48;
/** Of all events, the share that is left to resets and errors. */
const RESERVED_EVENTS = 100_000;
const SEGMENT_BITS = 12;
const SEGMENT_EVENTS = 1 << SEGMENT_BITS;
const EVENT_WORDS = 32;

const TIME_D = 0;
const OTHER_TIME_D = 1;
const KIND = 4;
const LEG = 5;
const SIDE = 6;
const FRAME = 7;
const NEXT = 8;
const SEQ = 9;
const ACK = 10;
const FLAGS = 11;
const WINDOW = 12;
const LENGTH = 13;
const TTL = 14;
const IP_ID = 15;
const OPTIONS = 16;
const MAC = 17;
const EXTRA = 20;
/** Extra word of a reset that holds the leg's state before it (see `reset` in tcp.ts). */
const RESET_STATE = 6;

/**
 * One event as cold code reads it. Sequence numbers are signed words; times are ns since the run's base.
 * `extra` depends on the kind, see the functions that write it in tcp.ts and tracker.ts.
 */
export interface LegEvent {
  kind: number;
  leg: number;
  side: number;
  time: number;
  frame: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  length: number;
  ttl: number;
  ipId: number;
  options: number;
  mac: readonly [number, number, number];
  /** Time of the last packet of the other side before this one, NaN where there was none. */
  otherTime: number;
  extra: readonly number[];
}

/** A log as plain data, to hand to another thread. */
export interface EventLogSnapshot {
  /** Records in use or given back. */
  count: number;
  dropped: number;
  segments: ArrayBuffer[];
}

/**
 * Events of all legs in typed arrays, each leg's as a list in time order. Those of a leg that is given up are given back
 * and used again, so that a log lives as long as its legs do.
 */
export class EventLog {
  count = 0;
  /** Events that were not kept because of the limits. */
  dropped = 0;
  /** The record given back last, plus 1, and so on by NEXT; 0 is none. */
  private firstFree = 0;
  private free = 0;
  private wordSegments: Int32Array[] = [];
  private doubleSegments: Float64Array[] = [];

  /**
   * Adds an event for a packet of a leg.
   * @returns the event's number, or -1 where it was only counted
   */
  add(legs: LegTable, leg: number, kind: number, side: number, p: Packet, otherTime: number): number {
    const lw = legs.words(leg);
    const lat = legs.base(leg);
    lw[lat + EVENT_COUNT]!++;
    const kept = lw[lat + EVENTS_KEPT]!;
    const room = kind === RESET || kind === ICMP_ERROR ? MAX_EVENTS : MAX_EVENTS - RESERVED_EVENTS;
    if (kept >= MAX_PER_LEG[kind]! || this.count - this.free >= room) {
      this.dropped++;
      return -1;
    }
    lw[lat + EVENTS_KEPT] = kept + 1;
    const event = this.take();
    if (event >>> SEGMENT_BITS >= this.wordSegments.length) {
      const memory = new ArrayBuffer(SEGMENT_EVENTS * EVENT_WORDS * 4);
      this.wordSegments.push(new Int32Array(memory));
      this.doubleSegments.push(new Float64Array(memory));
    }
    const w = this.wordSegments[event >>> SEGMENT_BITS]!;
    const at = (event & (SEGMENT_EVENTS - 1)) * EVENT_WORDS;
    const d = this.doubleSegments[event >>> SEGMENT_BITS]!;
    d[(at >> 1) + TIME_D] = p.time;
    d[(at >> 1) + OTHER_TIME_D] = otherTime;
    w[at + KIND] = kind;
    w[at + LEG] = leg;
    w[at + SIDE] = side;
    w[at + FRAME] = p.frame;
    w[at + NEXT] = 0;
    // An ICMP packet has none of these: the record still holds another packet's.
    const isSegment = kind !== ICMP_ERROR;
    w[at + SEQ] = isSegment ? p.seq : 0;
    w[at + ACK] = isSegment ? p.ack : 0;
    w[at + FLAGS] = isSegment ? p.flags : 0;
    w[at + WINDOW] = isSegment ? p.window : 0;
    w[at + LENGTH] = isSegment ? p.payloadLength : 0;
    w[at + TTL] = p.ttl;
    w[at + IP_ID] = p.ipId;
    w[at + OPTIONS] = (isSegment ? p.optionsSeen : 0) | (p.dontFragment ? 0x10000 : 0);
    w[at + MAC] = p.mac0;
    w[at + MAC + 1] = p.mac1;
    w[at + MAC + 2] = p.mac2;
    const tail = lw[lat + EVENT_TAIL]!;
    if (tail === 0) lw[lat + EVENT_HEAD] = event + 1;
    else
      this.wordSegments[(tail - 1) >>> SEGMENT_BITS]![((tail - 1) & (SEGMENT_EVENTS - 1)) * EVENT_WORDS + NEXT] =
        event + 1;
    lw[lat + EVENT_TAIL] = event + 1;
    return event;
  }

  /** The number of a record for a new event. */
  private take(): number {
    const event = this.firstFree - 1;
    if (event < 0) return this.count++;
    const w = this.wordSegments[event >>> SEGMENT_BITS]!;
    const at = (event & (SEGMENT_EVENTS - 1)) * EVENT_WORDS;
    this.firstFree = w[at + NEXT]!;
    this.free--;
    w.fill(0, at, at + EVENT_WORDS);
    return event;
  }

  /** Gives back the events of a leg that is about to be removed. */
  release(legs: LegTable, leg: number): void {
    const lw = legs.words(leg);
    const lat = legs.base(leg);
    const tail = lw[lat + EVENT_TAIL]!;
    if (tail === 0) return;
    this.wordSegments[(tail - 1) >>> SEGMENT_BITS]![((tail - 1) & (SEGMENT_EVENTS - 1)) * EVENT_WORDS + NEXT] =
      this.firstFree;
    this.firstFree = lw[lat + EVENT_HEAD]!;
    this.free += lw[lat + EVENTS_KEPT]!;
    lw[lat + EVENT_HEAD] = 0;
    lw[lat + EVENT_TAIL] = 0;
    lw[lat + EVENTS_KEPT] = 0;
  }

  /** True where a leg has so many events that one more should be worth its place. */
  isCrowded(legs: LegTable, leg: number): boolean {
    return legs.words(leg)[legs.base(leg) + EVENTS_KEPT]! >= MAX_PER_LEG[RETRANSMIT]!;
  }

  /** Sets one of the 12 extra words of an event; nothing for -1. */
  setExtra(event: number, index: number, value: number): void {
    if (event < 0) return;
    this.wordSegments[event >>> SEGMENT_BITS]![(event & (SEGMENT_EVENTS - 1)) * EVENT_WORDS + EXTRA + index] = value;
  }

  /** Gives a leg's events to the other side each, as where its direction was guessed wrong. */
  flip(legs: LegTable, leg: number, flipState: (state: number) => number): void {
    let next = legs.words(leg)[legs.base(leg) + EVENT_HEAD]!;
    while (next !== 0) {
      const w = this.wordSegments[(next - 1) >>> SEGMENT_BITS]!;
      const at = ((next - 1) & (SEGMENT_EVENTS - 1)) * EVENT_WORDS;
      w[at + SIDE]! ^= 1;
      if (w[at + KIND] === RESET) w[at + EXTRA + RESET_STATE] = flipState(w[at + EXTRA + RESET_STATE]!);
      next = w[at + NEXT]!;
    }
  }

  /** The log's own memory, not a copy. */
  snapshot(): EventLogSnapshot {
    const segments = this.wordSegments.map((words) => words.buffer as ArrayBuffer);
    return { count: this.count, dropped: this.dropped, segments };
  }

  static restore(snapshot: EventLogSnapshot): EventLog {
    const log = new EventLog();
    log.count = snapshot.count;
    log.dropped = snapshot.dropped;
    log.wordSegments = snapshot.segments.map((memory) => new Int32Array(memory));
    log.doubleSegments = snapshot.segments.map((memory) => new Float64Array(memory));
    return log;
  }

  /** The events of a leg, oldest first. */
  *of(legs: LegTable, leg: number): Generator<LegEvent> {
    let next = legs.words(leg)[legs.base(leg) + EVENT_HEAD]!;
    while (next !== 0) {
      yield this.read(next - 1);
      next = this.wordSegments[(next - 1) >>> SEGMENT_BITS]![((next - 1) & (SEGMENT_EVENTS - 1)) * EVENT_WORDS + NEXT]!;
    }
  }

  private read(event: number): LegEvent {
    const w = this.wordSegments[event >>> SEGMENT_BITS]!;
    const at = (event & (SEGMENT_EVENTS - 1)) * EVENT_WORDS;
    const d = this.doubleSegments[event >>> SEGMENT_BITS]!;
    return {
      kind: w[at + KIND]!,
      leg: w[at + LEG]!,
      side: w[at + SIDE]!,
      time: d[(at >> 1) + TIME_D]!,
      frame: w[at + FRAME]!,
      seq: w[at + SEQ]!,
      ack: w[at + ACK]!,
      flags: w[at + FLAGS]!,
      window: w[at + WINDOW]!,
      length: w[at + LENGTH]!,
      ttl: w[at + TTL]!,
      ipId: w[at + IP_ID]!,
      options: w[at + OPTIONS]!,
      mac: [w[at + MAC]!, w[at + MAC + 1]!, w[at + MAC + 2]!],
      otherTime: d[(at >> 1) + OTHER_TIME_D]!,
      extra: Array.from(w.subarray(at + EXTRA, at + EVENT_WORDS)),
    };
  }
}
