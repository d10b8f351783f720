import * as L from "../flow/leg-layout.ts";
import { legOutcome, type Outcome } from "../flow/leg-outcome.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connection } from "./connection.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { isSameTuple } from "./tuples.ts";

const CLOSED = L.LEG_FIN_UP | L.LEG_FIN_DOWN;
const RESET = L.LEG_RST_UP | L.LEG_RST_DOWN;

/**
 * How a connection ended for its client. The leg nearest to the client decides; where that saw only a part (requests
 * only, or a flow that moved to another load balancer), the other legs of the client's session complete it.
 */
export function connectionOutcome(set: LegSet, connection: Connection): Outcome {
  const front = set.view(connection.front);
  const own = legOutcome(front);
  if (own === "reset") return isHarmless(front) ? "ok" : own;
  if (own !== "open" || front.protocol !== 6 || connection.legs.length < 2) {
    return own === "open" && isOneSidedClose(front) ? "ok" : own;
  }
  let state = front.state;
  let sawReset = false;
  for (const ref of clientSession(connection)) {
    const leg = set.view(ref);
    state |= leg.state & CLOSED;
    if (ref !== connection.front && (leg.state & RESET) !== 0 && isSameTuple(set, ref, connection.front)) {
      sawReset ||= !isHarmless(leg);
    }
  }
  if (sawReset) return "reset";
  if ((state & CLOSED) === CLOSED) return "ok";
  return isOneSidedClose(set.view(connection.front)) ? "ok" : "open";
}

/** Legs of the TCP session that the client itself holds: those before a terminating proxy. */
export function clientSession(connection: Connection): readonly LegRef[] {
  const proxy = connection.hops.indexOf("proxy");
  return proxy < 0 ? connection.legs : connection.legs.slice(0, proxy);
}

/**
 * A reset that took nothing from anybody: the other side had closed, and all that the resetting side had sent was
 * acknowledged. Some proxies and servers end so instead of with a FIN. Or the client had closed with its answer in
 * hand, and a last segment came late.
 */
export function isHarmless(leg: LegView): boolean {
  const { up, down } = leg;
  if (leg.has(L.LEG_RST_UP) && leg.has(L.LEG_FIN_UP) && !leg.has(L.LEG_FIN_DOWN)) return isLateData(leg);
  const hasOnly = (reset: number, fin: number) => leg.has(reset) && !leg.has(fin);
  if (hasOnly(L.LEG_RST_DOWN, L.LEG_FIN_DOWN))
    return leg.has(L.LEG_FIN_UP) && ((up.highestAck - down.nextSeq) | 0) >= 0;
  if (hasOnly(L.LEG_RST_UP, L.LEG_FIN_UP)) return leg.has(L.LEG_FIN_DOWN) && ((down.highestAck - up.nextSeq) | 0) >= 0;
  return false;
}

/** One segment at most reached the client after its close, and it had received others before: not a download cut off. */
function isLateData({ state, up, down }: LegView): boolean {
  if ((state & L.LEG_RST_DOWN) !== 0 || down.packets === 0) return false;
  const received = (up.highestAck - down.baseSeq) | 0;
  const late = (down.nextSeq - up.highestAck) | 0;
  return received > 1 && late <= down.largestSent;
}

/** Only requests pass here (direct return), and the client has closed: what it acknowledged before, it had received. */
function isOneSidedClose(leg: LegView): boolean {
  return leg.down.packets === 0 && leg.has(L.LEG_FIN_UP) && leg.up.acksOfUnseen > 0;
}
