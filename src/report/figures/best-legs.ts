import * as L from "../../flow/leg-layout.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegRef, LegSet } from "../../path/leg-set.ts";
import { clientSession } from "../../path/outcome.ts";

/** 0: client to backend. 1: back. */
export type Side = 0 | 1;

/** What one side of a leg sent, read from its record in one go: a run has hundreds of thousands. */
const sent = { payloadBytes: 0.5, packets: 0, retransmits: 0 };

/**
 * The leg of the client's own session that saw one direction best: most payload, then most packets; of equals the one
 * nearest to the client. A leg behind the loss saw less than its sender's side did; one before a move saw only a part.
 */
export function bestLeg(set: LegSet, connection: Connection, side: Side): LegRef {
  const { legs, front } = connection;
  if (legs.length === 1) return front;
  let best = front;
  readSent(set, front, side);
  let { payloadBytes, packets } = sent;
  for (const ref of clientSession(connection)) {
    if (ref === front) continue;
    readSent(set, ref, side);
    if (sent.payloadBytes < payloadBytes) continue;
    if (sent.payloadBytes === payloadBytes && sent.packets <= packets) continue;
    best = ref;
    ({ payloadBytes, packets } = sent);
  }
  return best;
}

/** Packets of both directions, copies left out, and how many of them were sent again, as they were seen best. */
export function packetCounts(set: LegSet, connection: Connection): { packets: number; retransmits: number } {
  let packets = 0;
  let retransmits = 0;
  for (const side of SIDES) {
    readSent(set, bestLeg(set, connection, side), side);
    packets += sent.packets;
    retransmits += sent.retransmits;
  }
  return { packets, retransmits };
}

/** Whether any leg saw a side send something again. */
export function hasRetransmits(set: LegSet, connection: Connection, side: Side): boolean {
  for (const ref of connection.legs) {
    readSent(set, ref, side);
    if (sent.retransmits > 0) return true;
  }
  return false;
}

const SIDES = [0, 1] as const;

function readSent(set: LegSet, ref: LegRef, side: Side): void {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  const words = legs.words(leg);
  const at = legs.base(leg) + (side === 0 ? L.SIDE_0 : L.SIDE_1);
  sent.payloadBytes = legs.doubles(leg)[(at >> 1) + L.PAYLOAD_BYTES_D]!;
  sent.packets = words[at + L.PACKETS]! - words[at + L.COPIES]!;
  sent.retransmits = words[at + L.RETRANSMITS]!;
}
