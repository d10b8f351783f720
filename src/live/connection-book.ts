import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";

/**
 * What a session remembers of a connection from one look to the next: the name it has, and what of it was counted, so
 * that every packet counts once although all legs are joined anew each time.
 */
export class Known {
  /** `c17` is 17; stable within the session. */
  readonly id: number;
  /** Look at which a connection was found for it. */
  look = 0;
  /** Time of the last packet that was counted, ns. */
  countedTo = Number.NaN;
  bytesUp = 0;
  bytesDown = 0;
  packetsUp = 0;
  packetsDown = 0;
  retransmitsUp = 0;
  retransmitsDown = 0;
  synRetransmitsClient = 0;
  synRetransmitsBackend = 0;
  moves = 0;
  isOpened = false;
  isConnectCounted = false;
  isResetCounted = false;
  isMemberCounted = false;
  isAsymmetric = false;
  /** Its outcome was counted. */
  isDecided = false;
  /** It was handed on as settled. */
  isTold = false;
  /** Its legs were given up. */
  isGone = false;

  constructor(id: number) {
    this.id = id;
  }
}

/** Finds again, at each look over all legs, the connections of the looks before. */
export class ConnectionBook {
  /** By track, then by leg. */
  private readonly legs: (Known | undefined)[][] = [];
  private created = 0;
  private look = 0;

  /** What is known of each connection, in their order. Connections that turn out to be one keep the older's name. */
  identify({ connections, set }: Connected): Known[] {
    this.look++;
    return connections.map((connection) => {
      let known: Known | undefined;
      for (const ref of connection.legs) {
        const other = this.legs[set.trackOf(ref).index]?.[set.legOf(ref)];
        if (other === undefined || other === known || other.look === this.look) continue;
        if (known === undefined) known = other;
        else {
          const [older, younger]: [Known, Known] = other.id < known.id ? [other, known] : [known, other];
          takeOver(older, younger);
          known = older;
        }
      }
      known ??= new Known(this.created++);
      known.look = this.look;
      for (const ref of connection.legs) {
        const { index } = set.trackOf(ref);
        this.legs[index] ??= [];
        this.legs[index]![set.legOf(ref)] = known;
      }
      return known;
    });
  }

  /** Forgets a leg that is given up. */
  forget({ set }: Connected, { legs }: Connection): void {
    for (const ref of legs) {
      const track = this.legs[set.trackOf(ref).index];
      if (track) track[set.legOf(ref)] = undefined;
    }
  }
}

/** Two that were counted apart are one: what was counted of both was counted. */
function takeOver(known: Known, other: Known): void {
  known.bytesUp = Math.max(known.bytesUp, other.bytesUp);
  known.bytesDown = Math.max(known.bytesDown, other.bytesDown);
  known.packetsUp = Math.max(known.packetsUp, other.packetsUp);
  known.packetsDown = Math.max(known.packetsDown, other.packetsDown);
  known.retransmitsUp = Math.max(known.retransmitsUp, other.retransmitsUp);
  known.retransmitsDown = Math.max(known.retransmitsDown, other.retransmitsDown);
  known.isOpened ||= other.isOpened;
  known.isConnectCounted ||= other.isConnectCounted;
  known.isResetCounted ||= other.isResetCounted;
  known.isMemberCounted ||= other.isMemberCounted;
  known.isDecided ||= other.isDecided;
  known.isTold ||= other.isTold;
}
