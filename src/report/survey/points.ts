import type { Shard } from "../../flow/tracked-capture.ts";
import type { LegFigures } from "./leg-figures.ts";
import { OUTCOMES } from "./outcomes.ts";

/** What one observation point saw. */
export interface PointCounts {
  name: string;
  /** Of all kinds, copies included. */
  packets: number;
  /** Bytes on the wire. */
  bytes: number;
  legs: number;
  /** Legs of which one direction only was seen. */
  oneWay: number;
  /** In the order of OUTCOMES. */
  outcomes: number[];
  /** Of its legs, both directions, copies left out. */
  legPackets: number;
  retransmits: number;
}

/** The observation points of all captures of a run; files of one recording share theirs, by its name. */
export class Points {
  readonly list: PointCounts[] = [];
  private readonly byName = new Map<string, number>();

  /** Takes in the points of a shard; returns the number of each. */
  of(shard: Shard): number[] {
    return shard.tracker.points.list.map(({ packets, bytes }, index) => {
      const number = this.numberOf(shard.pointNames[index] ?? "?");
      const point = this.list[number]!;
      point.packets += packets;
      point.bytes += bytes;
      return number;
    });
  }

  /** Counts one leg. */
  count(leg: LegFigures, number: number, outcome: number): void {
    const point = this.list[number]!;
    point.legs++;
    if (leg.isOneWay) point.oneWay++;
    point.outcomes[outcome]!++;
    point.retransmits += leg.retransmits;
    point.legPackets += leg.packets;
  }

  private numberOf(name: string): number {
    let number = this.byName.get(name);
    if (number === undefined) {
      number = this.list.length;
      this.byName.set(name, number);
      const outcomes = OUTCOMES.map(() => 0);
      this.list.push({ name, packets: 0, bytes: 0, legs: 0, oneWay: 0, outcomes, legPackets: 0, retransmits: 0 });
    }
    return number;
  }
}
