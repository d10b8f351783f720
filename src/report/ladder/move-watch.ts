import * as L from "../../flow/leg-layout.ts";
import { macText } from "../../path/endpoints.ts";
import type { LegRef, LegSet } from "../../path/leg-set.ts";
import { type Mac, macHigh, macLow } from "../../path/macs.ts";
import { printable } from "../text/page.ts";
import type { Column } from "./column.ts";
import type { Journey } from "./journey.ts";
import type { PacketEvent } from "./packet-event.ts";

/** A direction of a session goes on by another member of a tier. */
export interface Move {
  from: string;
  to: string;
  note: string;
}

/** Notices where the packets of a connection begin to pass another node than those before: another LB or backend. */
export class MoveWatch {
  private readonly set: LegSet;
  private readonly columns: readonly Column[];
  private readonly macs: readonly (Mac | null)[];
  /** By session, direction and depth: the column that the last packet passed. */
  private readonly passed = new Map<string, number>();
  /** By leg and direction: the MAC to which the last packet left. */
  private readonly nextHop = new Map<string, { mac: Mac; sightings: number }>();
  private readonly told = new Set<string>();

  constructor(set: LegSet, columns: readonly Column[], macs: readonly (Mac | null)[]) {
    this.set = set;
    this.columns = columns;
    this.macs = macs;
  }

  /** The next packet, in the order of time; a move is told once. */
  next(event: PacketEvent, journey: Journey): Move | null {
    if (event.kind === "error") return null;
    // both keep what they saw; the one that names nodes goes before the one that may only know MACs
    const byColumn = this.byColumn(event, journey);
    const byMac = this.byMac(event, journey);
    return byColumn ?? byMac;
  }

  private byColumn({ session, direction }: PacketEvent, { stops }: Journey): Move | null {
    let move: Move | null = null;
    for (const stop of stops) {
      const column = this.columns[stop.column]!;
      const key = `${session} ${direction} ${column.depth}`;
      const before = this.passed.get(key);
      this.passed.set(key, stop.column);
      if (before === undefined || before === stop.column || stops.some((other) => other.column === before)) continue;
      const from = printable(this.columns[before]!.name);
      const to = printable(column.name);
      // both directions move: the first to be seen tells
      const story = `${session} ${from} ${to}`;
      if (this.told.has(story)) continue;
      this.told.add(story);
      const knows = column.legs.some((leg) => this.set.view(leg).has(L.LEG_SYN | L.LEG_SYN_ACK));
      move ??= { from, to, note: `moved from ${from} to ${to}${knows ? "" : `, which never saw its SYN`}` };
    }
    return move;
  }

  private byMac({ direction }: PacketEvent, { stops }: Journey): Move | null {
    if (direction !== "up") return null;
    let move: Move | null = null;
    for (const { sightings } of stops) {
      for (const leg of new Set(sightings.map((sighting) => sighting.leg))) {
        const here = sightings.filter((sighting) => sighting.leg === leg);
        const mac = here.at(-1)!.dstMac;
        const before = this.nextHop.get(String(leg));
        this.nextHop.set(String(leg), { mac, sightings: here.length });
        if (mac === 0 || !before || before.mac === mac || before.sightings !== here.length) continue;
        const story = `${leg} ${before.mac} ${mac}`;
        if (this.told.has(story)) continue;
        this.told.add(story);
        const [from, to] = [this.nameOf(before.mac, leg), this.nameOf(mac, leg)];
        move ??= { from, to, note: `${printable(this.set.pointOf(leg).name)} sends to ${to} in place of ${from}` };
      }
    }
    return move;
  }

  private nameOf(mac: Mac, leg: LegRef): string {
    const own = this.set.pointOf(leg).nodeName;
    const point = this.macs.findIndex((candidate, i) => candidate === mac && this.set.points[i]!.nodeName !== own);
    return point < 0 ? macText(macHigh(mac), macLow(mac)) : printable(this.set.points[point]!.nodeName);
  }
}
