import { UDP } from "../decode/packet.ts";
import type { Outcome } from "../flow/leg-outcome.ts";
import { UDP_TIMEOUT_NS } from "../flow/udp.ts";
import type { Connection } from "../path/connection.ts";

/** After its end a connection may still see a late segment; its outcome holds from then on. */
const LATE_NS = 2e9;
/** A SYN may be sent once more as long as this after the last one (Linux: 64 s), and be answered. */
const RETRY_NS = 70e9;

/**
 * Whether a connection is over, so that its outcome will not change: closed, reset or refused and quiet; unanswered for
 * longer than anybody tries again; or without a packet for `idleNs`.
 */
export function isOver(connection: Connection, outcome: Outcome, now: number, idleNs: number): boolean {
  const quiet = now - connection.end;
  if (connection.protocol === UDP) return quiet >= UDP_TIMEOUT_NS;
  if (outcome === "open") return quiet >= idleNs;
  return quiet >= (outcome === "timeout" ? RETRY_NS : LATE_NS);
}

/** Whether its end was seen, though a late segment may still come. */
export function hasEnded(connection: Connection, outcome: Outcome, now: number, idleNs: number): boolean {
  const isClosed = connection.protocol !== UDP && outcome !== "open" && outcome !== "timeout";
  return isClosed || isOver(connection, outcome, now, idleNs);
}
