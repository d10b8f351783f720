import { UDP } from "../decode/packet.ts";
import type { Case } from "../diagnose/case.ts";
import type { Connection } from "../path/connection.ts";
import { bestLeg } from "../report/figures/best-legs.ts";
import { connectTime, handshakeTime } from "../report/figures/leg-times.ts";
import { harmfulReset } from "../report/figures/time-series.ts";
import { backendLabel } from "./backend-label.ts";
import type { Known } from "./connection-book.ts";
import { isOver } from "./connection-end.ts";
import { shownAs } from "./exemplar.ts";
import { MetricBook, OTHER, type Shown } from "./metric-book.ts";
import * as R from "./rate-ring.ts";
import { SeriesRing } from "./series-ring.ts";
import { tierName, tiersOf } from "./tiers.ts";

/** VIPs and backends that have rates of their own. */
const MOST_VIPS = 200;
const MOST_BACKENDS = 1000;
/** Kinds of resets (VIP, backend, who, why) that are told apart over time. */
const MOST_RESET_KINDS = 500;
/** A connection counts as begun when it is this old, or over: by then it is known what it is. */
const SETTLING_NS = 1e9;

export interface ResetKind {
  vip: string;
  backend: string;
  by: string;
  cause: string;
  rates: R.RateRing;
  /** ns */
  last: number;
}

export interface TallyOptions {
  maxSeries: number;
  /** Silence after which an open connection is taken for gone, ns. */
  idleNs: number;
}

/** What a look at all connections is counted with. */
export interface TallyLook {
  subject: Case;
  /** Parallel to the case's connections. */
  knowns: readonly Known[];
  /** ns since the base: now, and at the look before (NaN at the first). */
  now: number;
  before: number;
  /** Epoch second of time 0. */
  baseSeconds: number;
  /** True for a destination that is a VIP. */
  isVip: (connection: Connection) => boolean;
  /** True for those that are decided now, over or not: the session ends, or gives them up. */
  isFinal: (connection: Connection) => boolean;
}

/** Counts connections once each, however often they are looked at: rates over time, and metrics. */
export class Tally {
  readonly total = new R.RateRing();
  readonly series = new SeriesRing();
  readonly vips = new Map<string, R.RateRing>();
  readonly backends = new Map<string, R.RateRing>();
  readonly resetKinds = new Map<string, ResetKind>();
  readonly metrics: MetricBook;
  /** Open connections by VIP, and by VIP and backend; of the last look. */
  active = new Map<string, number>();
  private readonly idleNs: number;

  constructor({ maxSeries, idleNs }: TallyOptions) {
    this.metrics = new MetricBook(maxSeries);
    this.idleNs = idleNs;
  }

  count(look: TallyLook): void {
    const { subject, knowns, now, isFinal } = look;
    this.active = new Map();
    for (const connection of subject.connections) {
      const known = knowns[connection.id]!;
      const outcome = subject.outcome(connection);
      const over = isFinal(connection) || isOver(connection, outcome, now, this.idleNs);
      if (connection.healthCheck) this.healthCheck(subject, connection, known, over);
      if (connection.healthCheck || connection.role !== "client") continue;
      const vip = look.isVip(connection) ? subject.text(connection.vip) : OTHER;
      const backend = backendLabel(subject, connection);
      const isOpen = outcome === "open" || (connection.protocol === UDP && outcome === "ok");
      if (!over && isOpen) this.countActive(vip, backend);
      if (known.isDecided && known.countedTo === connection.end) continue;
      const rates = this.ratesOf(vip, backend);
      if (known.countedTo !== connection.end) this.traffic(look, connection, known, vip, backend, rates);
      if (!known.isOpened && (over || now - connection.start >= SETTLING_NS)) {
        known.isOpened = true;
        for (const one of rates) one.add(connection.start / 1e9, R.OPENED, 1);
        this.series.add(connection.start / 1e9, "opened", 1);
      }
      if (!known.isConnectCounted) this.connects(look, connection, known, vip, rates, over);
      if (!over) continue;
      if (!known.isResetCounted) this.reset(look, connection, known, vip, backend, rates);
      if (known.isDecided) continue;
      known.isDecided = true;
      const shown = outcome === "ok" ? null : this.exemplar(look, connection, known, connection.end);
      this.metrics.add("connections_total", [vip, backend, outcome], 1, shown);
      if (outcome === "refused") for (const one of rates) one.add(connection.end / 1e9, R.REFUSED, 1);
      if (outcome === "timeout") for (const one of rates) one.add(connection.end / 1e9, R.TIMEOUTS, 1);
    }
    this.members(look);
    this.metrics.makeExemplars();
    this.metrics.replace(
      "connections_active",
      [...this.active].flatMap(([key, value]) => (key.includes("\n") ? [[key.split("\n"), value] as const] : [])),
    );
  }

  /** Counts connections whose answers pass another box than their requests. */
  asymmetric(subject: Case, knowns: readonly Known[], connections: readonly number[]): void {
    for (const id of connections) {
      const known = knowns[id];
      if (known === undefined || known.isAsymmetric) continue;
      known.isAsymmetric = true;
      this.metrics.add("asymmetric_connections_total", [subject.text(subject.connections[id]!.vip)], 1);
    }
  }

  /** Open connections of clients, of all VIPs. */
  get activeTotal(): number {
    let total = 0;
    for (const [key, count] of this.active) if (!key.includes("\n")) total += count;
    return total;
  }

  /** False where backends beyond those with rates of their own are counted with their VIP alone. */
  get hasRatesOfAll(): boolean {
    return this.backends.size < MOST_BACKENDS;
  }

  activeOf(vip: string, backend?: string): number {
    return this.active.get(backend === undefined ? vip : `${vip}\n${backend}`) ?? 0;
  }

  private countActive(vip: string, backend: string): void {
    this.active.set(vip, (this.active.get(vip) ?? 0) + 1);
    const key = `${vip}\n${backend}`;
    this.active.set(key, (this.active.get(key) ?? 0) + 1);
  }

  private traffic(
    { subject, now, before }: TallyLook,
    connection: Connection,
    known: Known,
    vip: string,
    backend: string,
    rates: readonly R.RateRing[],
  ): void {
    const { set } = subject.connected;
    const until = connection.end / 1e9;
    const since = Math.max(connection.start, Number.isNaN(known.countedTo) ? connection.start : known.countedTo);
    // what came since the last look came in its time
    const from = Math.max(since, Number.isNaN(before) ? since : Math.min(before, now)) / 1e9;
    const up = set.view(bestLeg(set, connection, 0)).up;
    const grownUp = grown(known, "bytesUp", up.payloadBytes);
    const packetsUp = grown(known, "packetsUp", up.packets - up.copies);
    const againUp = grown(known, "retransmitsUp", up.retransmits);
    const down = set.view(bestLeg(set, connection, 1)).down;
    const grownDown = grown(known, "bytesDown", down.payloadBytes);
    const packetsDown = grown(known, "packetsDown", down.packets - down.copies);
    const againDown = grown(known, "retransmitsDown", down.retransmits);
    const start = Math.min(from, until);
    for (const one of rates) {
      if (grownUp > 0) one.spread(start, until, R.BYTES_UP, grownUp);
      if (grownDown > 0) one.spread(start, until, R.BYTES_DOWN, grownDown);
      if (packetsUp > 0) one.spread(start, until, R.PACKETS_UP, packetsUp);
      if (packetsDown > 0) one.spread(start, until, R.PACKETS_DOWN, packetsDown);
      if (againUp + againDown > 0) one.add(until, R.RETRANSMITS, againUp + againDown);
    }
    if (againUp + againDown > 0) this.series.add(until, "retransmits", againUp + againDown);
    const { metrics } = this;
    metrics.add("bytes_total", [vip, backend, "up"], grownUp);
    metrics.add("bytes_total", [vip, backend, "down"], grownDown);
    metrics.add("packets_total", [vip, backend, "up"], packetsUp);
    metrics.add("packets_total", [vip, backend, "down"], packetsDown);
    metrics.add("retransmits_total", [vip, backend, "up"], againUp);
    metrics.add("retransmits_total", [vip, backend, "down"], againDown);
    const front = Math.max(0, subject.front(connection).up.synCount - 1);
    metrics.add("syn_retransmits_total", [vip, "client"], grown(known, "synRetransmitsClient", front));
    if (connection.back !== connection.front) {
      const back = Math.max(0, subject.back(connection).up.synCount - 1);
      metrics.add("syn_retransmits_total", [vip, "backend"], grown(known, "synRetransmitsBackend", back));
    }
    known.countedTo = connection.end;
  }

  private connects(
    look: TallyLook,
    connection: Connection,
    known: Known,
    vip: string,
    rates: readonly R.RateRing[],
    over: boolean,
  ): void {
    const { subject, baseSeconds } = look;
    const { set } = subject.connected;
    const handshake = handshakeTime(set, connection) / 1e9;
    // before the handshake is through, the backend's part of it may not be joined yet
    if (!(handshake >= 0) && !over) return;
    known.isConnectCounted = true;
    const accepted = connectTime(set, connection) / 1e9;
    const { up, down } = subject.front(connection);
    const answered = up.packets > 0 && down.packets > 0 ? (down.synTime - up.synTime) / 1e9 : Number.NaN;
    // where answers pass the front by, the handshake shows how long they took
    const asked = answered >= 0 ? answered : handshake;
    const time = baseSeconds + connection.start / 1e9;
    const { front, back } = connection;
    if (asked >= 0) {
      this.metrics.connect([vip, "client"], asked, shownAs(subject, known, front, asked, time + asked));
    }
    if (accepted >= 0) {
      this.metrics.connect([vip, "backend"], accepted, shownAs(subject, known, back, accepted, time + accepted));
    }
    const seconds = accepted >= 0 ? accepted : asked;
    if (!(seconds >= 0)) return;
    for (const one of rates) one.addConnect(connection.start / 1e9, seconds);
    this.series.addConnect(connection.start / 1e9, seconds);
  }

  private exemplar({ subject, baseSeconds }: TallyLook, connection: Connection, known: Known, timeNs: number): Shown {
    return shownAs(subject, known, connection.front, 1, baseSeconds + timeNs / 1e9);
  }

  private reset(
    look: TallyLook,
    connection: Connection,
    known: Known,
    vip: string,
    backend: string,
    rates: readonly R.RateRing[],
  ): void {
    const { subject } = look;
    const verdict = subject.mainReset(connection);
    if (verdict === null) return;
    known.isResetCounted = true;
    const time = harmfulReset(subject, connection);
    const shown = this.exemplar(look, connection, known, time ?? connection.end);
    this.metrics.add("resets_total", [vip, backend, verdict.by, verdict.cause], 1, shown);
    if (time === null) return;
    const kind = this.resetKind(vip, backend, verdict.by, verdict.cause);
    for (const one of [...rates, kind.rates]) {
      one.add(time / 1e9, R.RESETS, 1);
      one.add(time / 1e9, R.RESETS_BY + R.RESET_AUTHORS.indexOf(verdict.by), 1);
    }
    kind.last = Math.max(kind.last, time);
    this.series.add(time / 1e9, "resets", 1);
  }

  private resetKind(vip: string, backend: string, by: string, cause: string): ResetKind {
    const key = [vip, backend, by, cause].join("\n");
    let kind = this.resetKinds.get(key);
    if (kind) return kind;
    if (this.resetKinds.size >= MOST_RESET_KINDS) {
      // the one that has not happened for longest gives way
      const oldest = [...this.resetKinds].reduce((a, b) => (a[1].last <= b[1].last ? a : b));
      this.resetKinds.delete(oldest[0]);
    }
    kind = { vip, backend, by, cause, rates: new R.RateRing(), last: 0 };
    this.resetKinds.set(key, kind);
    return kind;
  }

  private healthCheck(subject: Case, connection: Connection, known: Known, over: boolean): void {
    if (!over || known.isDecided) return;
    known.isDecided = true;
    const backend = subject.text(connection.backend ?? connection.vip);
    const result = subject.outcome(connection) === "ok" ? "ok" : "failed";
    this.metrics.add("health_checks_total", [backend, result], 1);
  }

  /** Members of tiers, and flows that moved from one to another. */
  private members({ subject, knowns, isVip }: TallyLook): void {
    for (const group of subject.vips) {
      const [first] = group.connections;
      if (first === undefined || !isVip(first)) continue;
      const vip = subject.text(group.vip);
      const memberships = tiersOf(subject, group);
      for (const membership of memberships) {
        const { memberOf, names, moves } = membership;
        const tier = tierName(membership);
        for (const [connection, member] of memberOf) {
          const known = knowns[connection.id]!;
          if (known.isMemberCounted) continue;
          this.metrics.add("member_connections_total", [vip, tier, names.get(member) ?? member], 1);
        }
        for (const { connection, to, count } of moves) {
          const known = knowns[connection.id]!;
          const more = grown(known, "moves", count);
          if (more === 0) continue;
          this.metrics.add("flow_moves_total", [vip, "member"], more);
          this.metrics.add("midstream_arrivals_total", [vip, names.get(to) ?? to], 1);
        }
      }
      // several tiers count each connection once each
      for (const { memberOf } of memberships) for (const { id } of memberOf.keys()) knowns[id]!.isMemberCounted = true;
    }
  }

  /** What a connection is counted in: all, its VIP, its backend. */
  private ratesOf(vip: string, backend: string): readonly R.RateRing[] {
    const rings = [this.total];
    if (vip !== OTHER) {
      let own = this.vips.get(vip);
      if (!own && this.vips.size < MOST_VIPS) {
        own = new R.RateRing();
        this.vips.set(vip, own);
      }
      if (own) rings.push(own);
      const key = `${vip}\n${backend}`;
      let backendRates = this.backends.get(key);
      if (!backendRates && this.backends.size < MOST_BACKENDS) {
        backendRates = new R.RateRing();
        this.backends.set(key, backendRates);
      }
      if (backendRates) rings.push(backendRates);
    }
    return rings;
  }
}

type Count = {
  [Key in keyof Known]: Known[Key] extends number ? Key : never;
}[keyof Known];

/** By how much a count of a connection has grown since it was counted last; never less than nothing. */
function grown(known: Known, field: Exclude<Count, "id">, value: number): number {
  const more = value - known[field];
  if (!(more > 0)) return 0;
  known[field] = value;
  return more;
}
