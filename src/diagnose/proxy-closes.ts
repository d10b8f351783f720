import { FIN } from "../decode/packet.ts";
import { RESET, SILENCE_BROKEN } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegView, SideView } from "../flow/leg-view.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import type { Case } from "./case.ts";

/** Both sides of a proxied connection are closed within this time where one decision closes both. */
const TOGETHER_NS = 0.5e9;
/** Timers of proxies are this exact: part of the time, and at least so much. */
const TIMER_SLACK = 0.05;
const TIMER_SLACK_NS = 0.15e9;

/** A proxied connection that the proxy ended on both sides although neither end had. */
export interface ProxyClose {
  connection: Connection;
  node: string;
  /** ns on the reference clock. */
  time: number;
  /** Time from the last payload of either end (without any: from the start), ns. */
  silence: number;
  /** True where the client had asked something that was not answered. */
  isWaiting: boolean;
  /** True where the client lost something: an answer, or data it sent afterwards. */
  isHurt: boolean;
  isReset: boolean;
  front: LegRef;
  frontFrame: number;
  back: LegRef;
  backFrame: number;
}

const cache = new WeakMap<Case, readonly ProxyClose[]>();

/** Connections that a terminating proxy ended by itself, by VIP and time. */
export function proxyCloses(subject: Case): readonly ProxyClose[] {
  let closes = cache.get(subject);
  if (!closes) {
    const found: ProxyClose[] = [];
    for (const connection of subject.users) {
      const close = connection.mode === "proxy" ? closeOf(subject, connection) : null;
      if (close) found.push(close);
    }
    closes = found;
    cache.set(subject, closes);
  }
  return closes;
}

/** The two legs at which a proxy holds a connection: the client's last and the first behind it. */
export function proxyLegs(connection: Connection): { front: LegRef; back: LegRef } | null {
  if (connection.mode !== "proxy") return null;
  const cut = connection.hops.indexOf("proxy");
  return cut > 0 ? { front: connection.legs[cut - 1]!, back: connection.legs[cut]! } : null;
}

function closeOf(subject: Case, connection: Connection): ProxyClose | null {
  const legs = proxyLegs(connection);
  if (!legs) return null;
  const { front, back } = legs;
  if (!mayBeClosedBy(subject.leg(front), 1) || !mayBeClosedBy(subject.leg(back), 0)) return null;
  const towardsClient = firstClose(subject, front, 1);
  const towardsBackend = firstClose(subject, back, 0);
  if (!towardsClient || !towardsBackend) return null;
  if (Math.abs(towardsClient.time - towardsBackend.time) > TOGETHER_NS) return null;
  const time = Math.min(towardsClient.time, towardsBackend.time);
  const asked = subject.reference(front, later(subject.leg(front).up.lastDataTime, Number.NaN));
  const isAfterwards = asked > time;
  // What either end said last before the close.
  const frontView = subject.leg(front);
  const firstAsked = subject.reference(front, frontView.up.dataTime);
  const answered = later(subject.reference(front, frontView.down.lastDataTime), lastDown(subject, back));
  const askedBefore = isAfterwards ? firstAsked : later(asked, lastUp(subject, back));
  const lastData = later(askedBefore, answered);
  const isWaiting = !Number.isNaN(askedBefore) && !(answered >= askedBefore);
  return {
    connection,
    node: subject.nodeOf(back),
    time,
    silence: time - (Number.isNaN(lastData) ? connection.start : lastData),
    isWaiting,
    isHurt: isWaiting || isAfterwards || subject.outcome(connection) === "reset",
    isReset: towardsClient.isReset,
    front,
    frontFrame: towardsClient.frame,
    back,
    backFrame: towardsBackend.frame,
  };
}

/** Cheap test on the record alone: can this side have closed before the other one? */
function mayBeClosedBy(view: LegView, side: number): boolean {
  const own: SideView = view.side(side);
  const other = view.side(1 - side);
  if (view.has(L.LEG_RST_UP << side)) return true;
  return own.finTime <= other.finTime || (own.finFrame !== 0 && other.finFrame === 0);
}

/** The FIN or reset with which a side ended a leg, if it was the first to; times on the reference clock. */
function firstClose(
  subject: Case,
  ref: LegRef,
  side: number,
): { time: number; frame: number; isReset: boolean } | null {
  const view = subject.leg(ref);
  const own = view.side(side);
  const other = view.side(1 - side);
  let time = own.finFrame === 0 ? Number.POSITIVE_INFINITY : own.finTime;
  let frame = own.finFrame;
  let isReset = false;
  let ended = other.finFrame === 0 ? Number.POSITIVE_INFINITY : other.finTime;
  if (view.has(L.LEG_RST_UP | L.LEG_RST_DOWN)) {
    const track = subject.connected.set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
      if (event.kind !== RESET) continue;
      if (event.side !== side) ended = Math.min(ended, event.time);
      else if (event.time < time) {
        time = event.time;
        frame = event.frame;
        isReset = true;
      }
    }
  }
  return time < Number.POSITIVE_INFINITY && time < ended
    ? { time: subject.reference(ref, time), frame, isReset }
    : null;
}

function lastUp(subject: Case, ref: LegRef): number {
  return subject.reference(ref, subject.leg(ref).up.lastDataTime);
}

function lastDown(subject: Case, ref: LegRef): number {
  return subject.reference(ref, subject.leg(ref).down.lastDataTime);
}

/** The later of two times, either of which may be NaN. */
function later(a: number, b: number): number {
  if (Number.isNaN(a)) return b;
  return Number.isNaN(b) || a > b ? a : b;
}

/** Those of some closes that came one constant time after the last data: a timer's. null where most did not. */
export function timedCloses(closes: readonly ProxyClose[]): { timer: number; closes: ProxyClose[] } | null {
  if (closes.length === 0) return null;
  const sorted = closes.toSorted((a, b) => a.silence - b.silence);
  const timer = sorted[sorted.length >> 1]!.silence;
  const slack = Math.max(TIMER_SLACK_NS, timer * TIMER_SLACK);
  const timed = closes.filter(({ silence }) => Math.abs(silence - timer) <= slack);
  return timed.length >= closes.length * 0.7 ? { timer, closes: timed } : null;
}

/** Connections of a VIP that went on with data after a silence longer than this, ns: its proxy has no such timer. */
export function outlastedSilences(subject: Case, connections: readonly Connection[], silence: number): number {
  let outlasted = 0;
  for (const connection of connections) {
    const legs = proxyLegs(connection);
    if (!legs) continue;
    const view = subject.leg(legs.front);
    if (view.longestSilenceSurvived <= silence) continue;
    const track = subject.connected.set.trackOf(legs.front);
    for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
      if (event.kind !== SILENCE_BROKEN || (event.flags & FIN) !== 0 || event.length === 0) continue;
      if (event.time - event.otherTime <= silence) continue;
      outlasted++;
      break;
    }
  }
  return outlasted;
}
