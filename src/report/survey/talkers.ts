import type { AddressWords } from "../../flow/leg-view.ts";
import { CountTable } from "./count-table.ts";
import type { LegFigures } from "./leg-figures.ts";

const LEGS = 0;
const BYTES = 1;
const COUNTERS = 2;

/** An address that opened conversations, as one observation point saw it. */
export interface Talker {
  address: AddressWords;
  /** Index into the survey's points. */
  point: number;
  /** Conversations it opened while the capture ran. */
  opened: number;
  /** Bytes of its conversations on the wire, both directions, copies included. */
  bytes: number;
}

/** Who called: counts by address and observation point. */
export class Talkers {
  private readonly table = new CountTable(COUNTERS);

  /** Counts one leg. */
  count(leg: LegFigures, point: number): void {
    const row = this.table.row(leg.src0, leg.src1, leg.src2, leg.src3, point, 0);
    const { counts } = this.table;
    const at = row * COUNTERS;
    if (leg.isNew) counts[at + LEGS]!++;
    counts[at + BYTES]! += leg.wireBytes;
  }

  /**
   * The largest by bytes and the largest by conversations opened, in the order of bytes. An address that several points
   * saw is listed once, with the point that saw most of it.
   *
   * @param limit of each of the two.
   */
  top(limit: number): Talker[] {
    const busiest = new Map<number, number>();
    const addresses = new CountTable(0);
    for (let row = 0; row < this.table.size; row++) {
      const [a0, a1, a2, a3] = this.table.address(row);
      const address = addresses.row(a0, a1, a2, a3, 0, 0);
      const other = busiest.get(address);
      if (other === undefined || this.table.get(row, BYTES) > this.table.get(other, BYTES)) busiest.set(address, row);
    }
    const rows = [...busiest.values()];
    const by = (counter: number) => (a: number, b: number) =>
      this.table.get(b, counter) - this.table.get(a, counter) || a - b;
    const chosen = new Set([
      ...rows.sort(by(BYTES)).slice(0, limit),
      ...rows
        .filter((row) => this.table.get(row, LEGS) > 0)
        .sort(by(LEGS))
        .slice(0, limit),
    ]);
    return [...chosen].sort(by(BYTES)).map((row) => this.read(row));
  }

  private read(row: number): Talker {
    return {
      address: this.table.address(row),
      point: this.table.key(row, 0),
      opened: this.table.get(row, LEGS),
      bytes: this.table.get(row, BYTES),
    };
  }
}
