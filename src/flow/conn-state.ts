import { UDP } from "../decode/packet.ts";
import * as L from "./leg-layout.ts";
import type { LegView } from "./leg-view.ts";

/**
 * Zeek's conn_state of a leg (https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html).
 */
export function connState(leg: LegView): string {
  if (leg.protocol === UDP) {
    if (leg.up.packets === 0) return "SHR";
    return leg.down.packets === 0 ? "S0" : "SF";
  }
  const { state } = leg;
  const resetUp = (state & L.LEG_RST_UP) !== 0;
  const resetDown = (state & L.LEG_RST_DOWN) !== 0;
  const finUp = (state & L.LEG_FIN_UP) !== 0;
  const finDown = (state & L.LEG_FIN_DOWN) !== 0;
  const syn = (state & L.LEG_SYN) !== 0;
  const synAck = (state & L.LEG_SYN_ACK) !== 0;
  if (syn && synAck) {
    if (finUp && finDown) return "SF";
    if (resetUp) return "RSTO";
    if (resetDown) return "RSTR";
    if (finUp) return "S2";
    if (finDown) return "S3";
    return "S1";
  }
  if (syn) {
    if (resetDown) return "REJ";
    if (resetUp) return "RSTOS0";
    if (finUp) return "SH";
    return leg.down.packets === 0 ? "S0" : "OTH";
  }
  if (synAck) {
    if (resetDown) return "RSTRH";
    if (finDown) return "SHR";
  }
  return "OTH";
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
