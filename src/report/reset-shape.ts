import { ACK, SYN } from "../decode/packet.ts";
import type { LegEvent } from "../flow/event-log.ts";
import { LEG_FIN_UP, SIDE_HAS_BASE } from "../flow/leg-layout.ts";

/**
 * What a reset looks like (RFC 9293 3.5.2), whoever sent it:
 * - `refused`: RST+ACK with sequence number 0 in answer to a SYN
 * - `no-socket`: a bare RST whose sequence number is the acknowledgment it answers: its sender knows no such connection
 * - `abort`: RST+ACK in sequence: a process that held the socket gave it up
 * - `after-close`: its sender had sent FIN, or it gave up a connection that its peer had closed: late data, mostly
 * - `other`: anything else
 */
export type ResetShape = "refused" | "no-socket" | "abort" | "after-close" | "other";

export const RESET_SHAPES: readonly ResetShape[] = ["refused", "no-socket", "abort", "after-close", "other"];

/** @param reset an event of kind RESET, whose extra words src/flow/tcp.ts describes. */
export function resetShape(reset: LegEvent): ResetShape {
  const [nextSeq = 0, answeredSeq = 0, answeredLength = 0, answeredFlags = 0, answeredAck = 0] = reset.extra;
  const stateBefore = reset.extra[6] ?? 0;
  const traitsBefore = reset.extra[9] ?? 0;
  const hasAck = (reset.flags & ACK) !== 0;
  if ((stateBefore & (LEG_FIN_UP << reset.side)) !== 0) return "after-close";
  if (hasAck && (answeredFlags & (SYN | ACK)) === SYN) {
    const acknowledges = reset.ack === ((answeredSeq + answeredLength) | 0);
    return reset.seq === 0 && acknowledges ? "refused" : "other";
  }
  if (!hasAck) return (answeredFlags & ACK) !== 0 && reset.seq === answeredAck ? "no-socket" : "other";
  const expectedSeq = (traitsBefore & SIDE_HAS_BASE) !== 0 ? nextSeq : answeredAck;
  if (reset.seq !== expectedSeq) return "other";
  const peerClosed = (stateBefore & (LEG_FIN_UP << (1 - reset.side))) !== 0;
  return peerClosed ? "after-close" : "abort";
}
