import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef, LegSet } from "../path/leg-set.ts";

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
  /** Its end, ns, when it was told of before that; NaN where it never was. */
  toldTo = Number.NaN;
  /** That was after its close. */
  isCloseTold = false;
  /** From when on its changes are told, ns; NaN for at once. */
  dueAt = Number.NaN;
  /** Its end, ns, when its packets were handed on. */
  packetsTo = Number.NaN;
  /** All legs that it was last found to have. */
  legs: readonly LegRef[] = [];
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
  private merged: number[] = [];

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
          this.noteMerged(older, younger);
          takeOver(older, younger);
          known = older;
        }
      }
      known ??= new Known(this.created++);
      known.look = this.look;
      known.legs = connection.legs;
      for (const ref of connection.legs) {
        const { index } = set.trackOf(ref);
        this.legs[index] ??= [];
        this.legs[index]![set.legOf(ref)] = known;
      }
      return known;
    });
  }

  /** What is known of a leg's connection, if anything. */
  of(track: number, leg: number): Known | undefined {
    return this.legs[track]?.[leg];
  }

  /**
   * What is known of a connection that was found between two looks, from some of the legs. It gets a name where it has
   * none; that two are one is left to the next look, which sees all legs.
   */
  meet(set: LegSet, legs: readonly LegRef[]): Known {
    let known: Known | undefined;
    for (const ref of legs) {
      const other = this.of(set.trackOf(ref).index, set.legOf(ref));
      if (other !== undefined && !(known !== undefined && known.id <= other.id)) known = other;
    }
    known ??= new Known(this.created++);
    if (legs.length > known.legs.length) known.legs = legs;
    for (const ref of legs) {
      const { index } = set.trackOf(ref);
      this.legs[index] ??= [];
      this.legs[index]![set.legOf(ref)] ??= known;
    }
    return known;
  }

  /** Connections that were told of and turned out to be parts of others, since it was asked last. */
  takeMerged(): number[] {
    const { merged } = this;
    this.merged = [];
    return merged;
  }

  /** Forgets a leg that is given up. */
  forget({ set }: Connected, { legs }: Connection): void {
    for (const ref of legs) {
      const track = this.legs[set.trackOf(ref).index];
      if (track) track[set.legOf(ref)] = undefined;
    }
  }

  /** One name is left of two: what was told under the other, and is not settled, no longer holds. */
  private noteMerged(older: Known, younger: Known): void {
    const gone = younger.isTold ? older : younger;
    if (gone.isTold || Number.isNaN(gone.toldTo)) return;
    this.merged.push(gone.id);
    gone.toldTo = Number.NaN;
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
