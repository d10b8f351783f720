import { UDP } from "../decode/packet.ts";
import * as L from "./leg-layout.ts";
import type { LegView } from "./leg-view.ts";

/** Zeek's states of an endpoint, as far as conn_state tells them apart. */
type Endpoint = "inactive" | "partial" | "syn-sent" | "established" | "closed" | "reset";

/**
 * Zeek's conn_state of a leg (https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html). A packet
 * stream seen from its middle on is `OTH` until it ends; a reset after both sides have closed changes nothing.
 */
export function connState(leg: LegView): string {
  if (leg.protocol === UDP) {
    if (leg.up.packets === 0) return "SHR";
    return leg.down.packets === 0 ? "S0" : "SF";
  }
  const opener = openerState(leg);
  const responder = responderState(leg);
  const openerIsSilent = opener === "inactive" || opener === "partial";
  const responderIsSilent = responder === "inactive" || responder === "partial";
  if (responder === "reset") {
    const nothingSent = leg.up.payloadBytes === 0 && leg.down.payloadBytes === 0;
    if (opener === "syn-sent" || (opener === "reset" && nothingSent)) return "REJ";
    return openerIsSilent ? "RSTRH" : "RSTR";
  }
  if (opener === "reset") return responderIsSilent ? "RSTOS0" : "RSTO";
  if (opener === "closed" && responder === "closed") return "SF";
  if (opener === "closed") return responderIsSilent ? "SH" : "S2";
  if (responder === "closed") return openerIsSilent ? "SHR" : "S3";
  if (opener === "syn-sent" && responder === "inactive") return "S0";
  return opener === "established" && responder === "established" ? "S1" : "OTH";
}

function openerState(leg: LegView): Endpoint {
  const ended = endState(leg, L.LEG_RST_UP, L.LEG_FIN_UP);
  if (ended !== null) return ended;
  // Who goes on after a SYN-ACK has sent a SYN, whether it was captured or not.
  if (leg.has(L.LEG_SYN_ACK)) return leg.up.packets > 0 ? "established" : "inactive";
  if (leg.has(L.LEG_SYN)) return "syn-sent";
  return leg.up.packets > 0 ? "partial" : "inactive";
}

function responderState(leg: LegView): Endpoint {
  const ended = endState(leg, L.LEG_RST_DOWN, L.LEG_FIN_DOWN);
  if (ended !== null) return ended;
  if (leg.has(L.LEG_SYN_ACK)) return "established";
  // Some answer a SYN with a bare ACK before they answer it rightly, or out of TIME-WAIT.
  if (leg.has(L.LEG_SYN) && leg.down.payloadBytes === 0) return "inactive";
  return leg.down.packets > 0 ? "partial" : "inactive";
}

function endState(leg: LegView, reset: number, fin: number): Endpoint | null {
  const bothClosed = leg.has(L.LEG_FIN_UP) && leg.has(L.LEG_FIN_DOWN);
  if (leg.has(reset) && !bothClosed) return "reset";
  return leg.has(fin) ? "closed" : null;
}

/** State of the leg's connection as RFC 9293 names it, from what was captured; for TIME-WAIT and later, CLOSED. */
export function tcpState(leg: LegView): string {
  const { state } = leg;
  if ((state & (L.LEG_RST_UP | L.LEG_RST_DOWN)) !== 0) return "CLOSED";
  const finUp = (state & L.LEG_FIN_UP) !== 0;
  const finDown = (state & L.LEG_FIN_DOWN) !== 0;
  const bothAcked = L.LEG_FIN_UP_ACKED | L.LEG_FIN_DOWN_ACKED;
  if (finUp && finDown) return (state & bothAcked) === bothAcked ? "CLOSED" : "LAST-ACK";
  // Seen from the side that closed first: FIN-WAIT-2 (the other is in CLOSE-WAIT) once its FIN is acknowledged.
  if (finUp) return (state & L.LEG_FIN_UP_ACKED) !== 0 ? "FIN-WAIT-2" : "FIN-WAIT-1";
  if (finDown) return (state & L.LEG_FIN_DOWN_ACKED) !== 0 ? "FIN-WAIT-2" : "FIN-WAIT-1";
  if ((state & (L.LEG_ESTABLISHED | L.LEG_MIDSTREAM)) !== 0) return "ESTABLISHED";
  if ((state & L.LEG_SYN_ACK) !== 0) return "SYN-RECEIVED";
  return "SYN-SENT";
}
