import type { AddressWords } from "../../flow/leg-view.ts";
import { CountTable } from "./count-table.ts";
import type { LegFigures } from "./leg-figures.ts";
import { OUTCOMES } from "./outcomes.ts";
import { distinct, quantile, Samples } from "./samples.ts";

const LEGS = 0;
/** The first caller's key, -1 once there was another. */
const CALLER = 1;
const RETRANSMITS = 2;
const PACKETS = 3;
const BYTES = 4;
const RESETS_UP = 5;
const RESETS_DOWN = 6;
const FIRST_OUTCOME = 7;
const COUNTERS = FIRST_OUTCOME + OUTCOMES.length;

/** Columns of the samples. */
const HANDSHAKE = 0;
const FIRST_BYTE = 1;
const CALLERS = 2;

/** An endpoint that was called, as one observation point saw it. */
export interface DestinationAtPoint {
  /** Index into the survey's points. */
  point: number;
  legs: number;
  /** In the order of OUTCOMES. */
  outcomes: readonly number[];
  /** Legs with a reset from the caller's side, and from the endpoint's. */
  resetsUp: number;
  resetsDown: number;
  /** Both directions together, as are packets and payload bytes; copies are left out. */
  retransmits: number;
  packets: number;
  bytes: number;
  /** What takes sorting: for what is shown. */
  details(): DestinationDetails;
}

export interface DestinationDetails {
  /** Distinct addresses that called the endpoint. */
  callers: number;
  /** Seconds from the SYN to the ACK that completes the handshake, NaN where none was seen. */
  handshakeP50: number;
  handshakeP99: number;
  /** Seconds from the request's first byte (or the handshake, where the server speaks first) to the answer's first. */
  firstByteP50: number;
}

export interface Destination {
  address: AddressWords;
  port: number;
  /** IP protocol number. */
  protocol: number;
  /** Legs of all points together. */
  legs: number;
  bytes: number;
  /** One for each point that saw it, the busiest first. */
  atPoints: readonly DestinationAtPoint[];
}

/** An endpoint is listed with the VIPs when two addresses called it, or one so often at one point. */
const MANY_LEGS = 10;

/** What was called: counts by endpoint and observation point. */
export class Destinations {
  private readonly table = new CountTable(COUNTERS);
  private readonly samples: Samples | null;

  /** @param details legs of which `details` is to tell at most; null for none, which is quicker. */
  constructor(details: number | null) {
    this.samples = details === null ? null : new Samples(details);
  }

  /**
   * Counts one leg.
   * @param outcome index into OUTCOMES
   */
  count(leg: LegFigures, point: number, outcome: number): void {
    const { table } = this;
    const row = table.row(leg.dst0, leg.dst1, leg.dst2, leg.dst3, (leg.protocol << 16) | leg.dstPort, point);
    const { counts } = table;
    const at = row * COUNTERS;
    counts[at + LEGS]!++;
    counts[at + FIRST_OUTCOME + outcome]!++;
    counts[at + RETRANSMITS]! += leg.retransmits;
    counts[at + PACKETS]! += leg.packets;
    counts[at + BYTES]! += leg.payloadBytes;
    if (leg.hasReset) {
      if (leg.resetsUp > 0) counts[at + RESETS_UP]!++;
      if (leg.resetsDown > 0) counts[at + RESETS_DOWN]!++;
    }
    const firstCaller = counts[at + CALLER]!;
    const caller = callerKey(leg);
    if (firstCaller === 0) counts[at + CALLER] = caller;
    else if (firstCaller !== caller) counts[at + CALLER] = -1;
    this.samples?.add(row, leg.handshake, leg.firstByte, caller);
  }

  /** Endpoints called by many, the busiest first: VIPs, and backends as the points behind the balancer see them. */
  calledByMany(): Destination[] {
    const groups = new Map<number, number[]>();
    const endpoints = new CountTable(0);
    for (let row = 0; row < this.table.size; row++) {
      const [a0, a1, a2, a3] = this.table.address(row);
      const endpoint = endpoints.row(a0, a1, a2, a3, this.table.key(row, 0), 0);
      const group = groups.get(endpoint);
      if (group === undefined) groups.set(endpoint, [row]);
      else group.push(row);
    }
    const many: Destination[] = [];
    for (const rows of groups.values()) if (rows.some((row) => this.isCalledByMany(row))) many.push(this.read(rows));
    const busiest = (one: Destination) => one.atPoints[0]?.legs ?? 0;
    return many.sort((a, b) => busiest(b) - busiest(a) || b.bytes - a.bytes);
  }

  private isCalledByMany(row: number): boolean {
    return this.table.get(row, CALLER) < 0 || this.table.get(row, LEGS) >= MANY_LEGS;
  }

  private read(rows: readonly number[]): Destination {
    const { table } = this;
    const first = rows[0] ?? 0;
    const atPoints = rows.map((row) => this.readPoint(row)).sort((a, b) => b.legs - a.legs || a.point - b.point);
    const sum = (counter: number) => rows.reduce((total, row) => total + table.get(row, counter), 0);
    return {
      address: table.address(first),
      port: table.key(first, 0) & 0xffff,
      protocol: table.key(first, 0) >>> 16,
      legs: sum(LEGS),
      bytes: sum(BYTES),
      atPoints,
    };
  }

  private readPoint(row: number): DestinationAtPoint {
    const { table, samples } = this;
    return {
      point: table.key(row, 1),
      legs: table.get(row, LEGS),
      outcomes: OUTCOMES.map((_, outcome) => table.get(row, FIRST_OUTCOME + outcome)),
      resetsUp: table.get(row, RESETS_UP),
      resetsDown: table.get(row, RESETS_DOWN),
      retransmits: table.get(row, RETRANSMITS),
      packets: table.get(row, PACKETS),
      bytes: table.get(row, BYTES),
      details() {
        if (samples === null) throw new Error("a survey without details was asked for them");
        const handshakes = samples.sorted(row, HANDSHAKE);
        return {
          callers: distinct(samples.sorted(row, CALLERS)),
          handshakeP50: quantile(handshakes, 0.5) / 1e9,
          handshakeP99: quantile(handshakes, 0.99) / 1e9,
          firstByteP50: quantile(samples.sorted(row, FIRST_BYTE), 0.5) / 1e9,
        };
      },
    };
  }
}

/** The opener's address as a number above 0: all of an IPv4 address, and 53 bits that tell IPv6 ones apart. */
function callerKey({ src0, src1, src2, src3 }: LegFigures): number {
  const high = (Math.imul(src0, 0x9e3779b1) ^ Math.imul(src1, 0x85ebca77) ^ src2) & 0xfffff;
  return (high | 0x100000) * 4294967296 + (src3 >>> 0);
}
