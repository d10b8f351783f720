import { TCP } from "../decode/packet.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";

/** Packets of a session that every point on its way can tell apart; those that travel up come first. */
const UP_ANCHORS = 5;
const ANCHORS = 9;

/**
 * Times of the packets by which legs of one session are compared, ns by the clock of the leg's capture unless they were
 * set right; NaN where not seen. 0-4 travel up: SYN, the ACK that ends the handshake, first data, FIN, last packet; 5-8 down: SYN-ACK, first
 * data, FIN, last packet. Two times belong to the same packet only where the keys are equal, too.
 */
export class Anchors {
  readonly times: Float64Array = new Float64Array(ANCHORS);
  readonly keys: Int32Array = new Int32Array(ANCHORS);

  read(leg: LegView): this {
    const { times, keys } = this;
    const { up, down } = leg;
    keys.fill(0);
    times.fill(Number.NaN);
    // What comes before nothing else may be sent again: a FIN that leaked, when the balancer had forgotten the flow.
    const isLate = leg.has(L.LEG_MIDSTREAM);
    if (up.packets > 0) {
      // Of several SYNs the first may have been lost between two points: only a single one is the same packet for sure.
      if (up.synCount === 1 || leg.protocol !== TCP) times[0] = leg.protocol === TCP ? up.synTime : up.firstTime;
      times[2] = isLate ? firstDataTime(up) : up.dataTime;
      keys[2] = isLate ? up.baseSeq ^ (up.firstLength << 8) : up.firstLength;
      times[3] = isLate && up.payloadBytes === 0 ? Number.NaN : up.finTime;
      if (isUnique(up)) times[4] = up.lastTime;
      keys[4] = lastPacketKey(up);
    }
    if (leg.protocol === TCP) times[1] = leg.handshakeAckTime;
    if (down.packets > 0) {
      if (down.synCount === 1 || leg.protocol !== TCP) times[5] = leg.protocol === TCP ? down.synTime : down.firstTime;
      times[6] = isLate ? firstDataTime(down) : down.dataTime;
      keys[6] = isLate ? down.baseSeq ^ (down.firstLength << 8) : down.firstLength;
      times[7] = isLate && down.payloadBytes === 0 ? Number.NaN : down.finTime;
      if (isUnique(down)) times[8] = down.lastTime;
      keys[8] = lastPacketKey(down);
    }
    return this;
  }

  /** Turns the clock's times into those of another, which it is ahead of by what `offsetAt` says. */
  setRight(offsetAt: (time: number) => number): this {
    const { times } = this;
    for (let i = 0; i < ANCHORS; i++) times[i]! -= offsetAt(times[i]!);
    return this;
  }

  /** Times of the earliest and the latest packet that is the same at every point; NaN without any. */
  get first(): number {
    let first = Number.NaN;
    for (const time of this.times) if (!(time >= first)) first = Number.isNaN(time) ? first : time;
    return first;
  }

  get last(): number {
    let last = Number.NaN;
    for (const time of this.times) if (!(time <= last)) last = Number.isNaN(time) ? last : time;
    return last;
  }
}

/** Of a leg that began before the capture the first packet, if its sequence number says which one it is: it has data. */
function firstDataTime(side: LegView["up"]): number {
  return side.dataTime === side.firstTime ? side.firstTime : Number.NaN;
}

/** Resets, bare ACKs and segments sent again look alike: the last of them at one point need not be that at another. */
function isUnique(side: LegView["up"]): boolean {
  return side.lastLength > 0 && side.repeatedSeq !== side.lastSeq && side.resets === 0;
}

function lastPacketKey(side: LegView["up"]): number {
  return (
    Math.imul(side.lastSeq ^ Math.imul(side.highestAck, 0x9e3779b1), 0x85ebca77) ^
    (side.lastLength << 8) ^
    side.lastFlags
  );
}

/** How two legs of one session lie to each other in time. */
export interface LegOffset {
  /** Smallest difference of a packet's times up, b - a, ns: clock offset plus the delay from a to b. NaN without. */
  up: number;
  /** Largest difference down: clock offset minus the delay from b to a. */
  down: number;
}

/**
 * Compares the anchors of two legs. Delays only add, so the smallest up and the largest down are the true ones.
 * @param from, to between these times of `a` only: where clocks drift, packets far apart do not compare
 */
export function compareAnchors(
  a: Anchors,
  b: Anchors,
  from: number = Number.NEGATIVE_INFINITY,
  to: number = Number.POSITIVE_INFINITY,
): LegOffset {
  let up = Number.NaN;
  let down = Number.NaN;
  for (let i = 0; i < ANCHORS; i++) {
    if (a.keys[i] !== b.keys[i] || a.times[i]! < from || a.times[i]! > to) continue;
    const difference = b.times[i]! - a.times[i]!;
    if (Number.isNaN(difference)) continue;
    if (i < UP_ANCHORS) {
      if (!(difference >= up)) up = difference;
    } else if (!(difference <= down)) down = difference;
  }
  return { up, down };
}
