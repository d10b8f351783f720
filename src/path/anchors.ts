import type { LegView } from "../flow/leg-view.ts";

/** Packets of a session that every point on its way can tell apart: SYN, handshake ACK, first data and FIN; up first. */
export const UP_ANCHORS = 4;
export const ANCHORS = 7;

/**
 * Times of the packets by which legs of one session are compared, ns by the clock of the leg's capture; NaN where not
 * seen. 0-3 travel up: SYN, the ACK that ends the handshake, first data, FIN; 4-6 down: SYN-ACK, first data, FIN.
 */
export function readAnchors(leg: LegView, into: Float64Array): void {
  const { up, down } = leg;
  const hasUp = up.packets > 0;
  const hasDown = down.packets > 0;
  // The first of several SYNs may have been lost between two points: only a single one is the same packet for sure.
  into[0] = hasUp && up.synCount === 1 ? up.synTime : Number.NaN;
  into[1] = leg.handshakeAckTime;
  into[2] = hasUp ? up.dataTime : Number.NaN;
  into[3] = hasUp ? up.finTime : Number.NaN;
  into[4] = hasDown && down.synCount === 1 ? down.synTime : Number.NaN;
  into[5] = hasDown ? down.dataTime : Number.NaN;
  into[6] = hasDown ? down.finTime : Number.NaN;
  if (leg.protocol !== 6) {
    into[0] = hasUp ? up.firstTime : Number.NaN;
    into[1] = Number.NaN;
    into[3] = Number.NaN;
    into[4] = hasDown ? down.firstTime : Number.NaN;
    into[6] = Number.NaN;
  }
}

/** How two legs of one session lie to each other in time. */
export interface LegOffset {
  /** Smallest difference of a packet's times up, b - a, ns: clock offset plus the delay from a to b. NaN without. */
  up: number;
  /** Largest difference down: clock offset minus the delay from b to a. */
  down: number;
}

/** Compares the anchors of two legs. Delays only add, so the smallest up and the largest down are the true ones. */
export function compareAnchors(a: Float64Array, b: Float64Array): LegOffset {
  let up = Number.NaN;
  let down = Number.NaN;
  for (let i = 0; i < UP_ANCHORS; i++) {
    const difference = b[i]! - a[i]!;
    if (!Number.isNaN(difference) && !(difference >= up)) up = difference;
  }
  for (let i = UP_ANCHORS; i < ANCHORS; i++) {
    const difference = b[i]! - a[i]!;
    if (!Number.isNaN(difference) && !(difference <= down)) down = difference;
  }
  return { up, down };
}
