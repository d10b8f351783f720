import { UDP } from "../../decode/packet.ts";
import type { LegView } from "../../flow/leg-view.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegRef, LegSet } from "../../path/leg-set.ts";
import { clientSession } from "../../path/outcome.ts";

/** Time from the client's SYN to the ACK that completes its handshake, ns; NaN where no leg shows it. */
export function handshakeTime(set: LegSet, connection: Connection): number {
  return firstOf(clientSession(connection), (ref) => {
    const leg = set.view(ref);
    return isBothWays(leg) ? leg.handshakeAckTime - leg.up.synTime : Number.NaN;
  });
}

/**
 * Time in which the backend accepted: from the SYN to the SYN-ACK on the leg nearest to it, ns. Other than the whole
 * handshake it has no client's round trip in it. NaN where the backend side was not seen.
 */
export function connectTime(set: LegSet, connection: Connection): number {
  if (connection.backend === null) return Number.NaN;
  const leg = set.view(connection.back);
  return isBothWays(leg) && leg.protocol !== UDP ? leg.down.synTime - leg.up.synTime : Number.NaN;
}

/**
 * Time from a request's first byte to the answer's, ns, as near to the backend as it was seen; where the server speaks
 * first, from the end of the handshake.
 */
export function firstByteTime(set: LegSet, connection: Connection): number {
  const { back, front, legs } = connection;
  return firstOf([back, front, ...legs], (ref) => {
    const leg = set.view(ref);
    if (!isBothWays(leg)) return Number.NaN;
    const request = leg.up.dataTime;
    const answer = leg.down.dataTime;
    return answer - (request <= answer || leg.protocol === UDP ? request : leg.handshakeAckTime);
  });
}

function isBothWays(leg: LegView): boolean {
  return leg.up.packets > 0 && leg.down.packets > 0;
}

function firstOf(refs: readonly LegRef[], of: (ref: LegRef) => number): number {
  for (const ref of refs) {
    const time = of(ref);
    if (time >= 0) return time;
  }
  return Number.NaN;
}
