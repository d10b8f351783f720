import * as L from "../../flow/leg-layout.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegRef, LegSet } from "../../path/leg-set.ts";
import { clientSession } from "../../path/outcome.ts";

/** 0: client to backend. 1: back. */
export type Side = 0 | 1;

/**
 * The leg of the client's own session that saw one direction best: most payload, then most packets; of equals the one
 * nearest to the client. A leg behind the loss saw less than its sender's side did; one before a move saw only a part.
 */
export function bestLeg(set: LegSet, connection: Connection, side: Side): LegRef {
  const { legs, front } = connection;
  if (legs.length === 1) return front;
  let best = front;
  let bytes = payloadBytesOf(set, front, side);
  let packets = packetsOf(set, front, side);
  for (const ref of clientSession(connection)) {
    const own = payloadBytesOf(set, ref, side);
    if (own < bytes) continue;
    const ownPackets = packetsOf(set, ref, side);
    if (own === bytes && ownPackets <= packets) continue;
    best = ref;
    bytes = own;
    packets = ownPackets;
  }
  return best;
}

/** Payload bytes both ways, each from the leg that saw it best. Reads records directly: there may be many. */
export function payloadBytes(set: LegSet, connection: Connection): number {
  return bestBytes(set, connection, 0) + bestBytes(set, connection, 1);
}

function bestBytes(set: LegSet, connection: Connection, side: Side): number {
  let most = payloadBytesOf(set, connection.front, side);
  if (connection.legs.length === 1) return most;
  for (const ref of clientSession(connection)) most = Math.max(most, payloadBytesOf(set, ref, side));
  return most;
}

function payloadBytesOf(set: LegSet, ref: LegRef, side: Side): number {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  const at = legs.base(leg) + (side === 0 ? L.SIDE_0 : L.SIDE_1);
  return legs.doubles(leg)[(at >> 1) + L.PAYLOAD_BYTES_D]!;
}

function packetsOf(set: LegSet, ref: LegRef, side: Side): number {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  const words = legs.words(leg);
  const at = legs.base(leg) + (side === 0 ? L.SIDE_0 : L.SIDE_1);
  return words[at + L.PACKETS]! - words[at + L.COPIES]!;
}
