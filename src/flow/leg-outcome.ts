import { UDP } from "../decode/packet.ts";
import * as L from "./leg-layout.ts";
import type { LegView } from "./leg-view.ts";

/** How a conversation ended, as the contract counts it. */
export type Outcome = "ok" | "refused" | "reset" | "timeout" | "open";

/** Retransmissions of one segment without an answer after which a conversation has timed out for its user. */
const UNANSWERED_LIMIT = 3;

/**
 * Outcome of a leg by itself: what its own packets show.
 * - `refused`: the SYN was answered by a reset
 * - `reset`: a reset before both sides had closed
 * - `timeout`: a SYN that nobody answered, or data sent again and again into silence
 * - `open`: still going on at the end of the capture, or its end is not to be seen here (only one direction passes)
 * - `ok`: closed by both sides
 */
export function legOutcome(leg: LegView): Outcome {
  if (leg.protocol === UDP) return udpOutcome(leg);
  const { state, up, down } = leg;
  const finUp = (state & L.LEG_FIN_UP) !== 0;
  const finDown = (state & L.LEG_FIN_DOWN) !== 0;
  if ((state & (L.LEG_RST_UP | L.LEG_RST_DOWN)) !== 0) {
    const isAnswer = (state & L.LEG_RST_DOWN) !== 0 && !up.has(L.SIDE_HAS_ACK);
    if (isAnswer && (state & (L.LEG_SYN | L.LEG_SYN_ACK)) === L.LEG_SYN) return "refused";
    // A reset after both closed (or to late data) took nothing from anybody.
    if (finUp && finDown) return "ok";
    return "reset";
  }
  if (finUp && finDown) return "ok";
  if ((state & L.LEG_SYN) !== 0 && (state & L.LEG_SYN_ACK) === 0) {
    return down.packets > 0 || up.payloadBytes > 0 || up.has(L.SIDE_HAS_ACK) ? "open" : "timeout";
  }
  const unanswered = (repeated: number, sentLast: boolean) => repeated >= UNANSWERED_LIMIT && sentLast;
  if (unanswered(up.repeatedCount, up.lastTime > down.lastTime)) return "timeout";
  if (unanswered(down.repeatedCount, down.lastTime > up.lastTime)) return "timeout";
  return "open";
}

function udpOutcome(leg: LegView): Outcome {
  if (leg.up.packets > 0 && leg.down.packets > 0) return "ok";
  if (leg.icmpErrors > 0) return "refused";
  return leg.up.packets > 0 ? "timeout" : "open";
}
