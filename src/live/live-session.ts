import type { PacketBatch } from "../capture/packet-batch.ts";
import type { TimeBase } from "../capture/time-base.ts";
import type { Case } from "../diagnose/case.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import { connect } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import { inferTopology } from "../path/infer-topology.ts";
import type { LegPacket } from "../path/leg-packet.ts";
import { analysisOf } from "../report/analysis.ts";
import { joinedConnectionDocument } from "../report/document/joined-connection.ts";
import { firstByteTime } from "../report/figures/leg-times.ts";
import { vipFigures } from "../report/figures/vip-figures.ts";
import type { Topology } from "../topology/topology.ts";
import { ConnectionBook, type Known } from "./connection-book.ts";
import { hasEnded, isOver } from "./connection-end.ts";
import { type BookEntry, FindingBook, type FindingChange } from "./finding-book.ts";
import { Glance } from "./glance.ts";
import type { SettledConnection, UnsettledConnections } from "./live-model.ts";
import { type Look, nameOf } from "./look.ts";
import { PacketRing } from "./packet-ring.ts";
import { chooseLeaving } from "./retire.ts";
import { packetsOf, pcapngOf } from "./ring-packets.ts";
import { seenFindings } from "./seen-findings.ts";
import { Tally } from "./tally.ts";
import { type SourceFacts, TrackedSource } from "./tracked-source.ts";
import { VipBook } from "./vip-book.ts";

export interface SessionOptions {
  /** Shared with the sources. */
  timeBase: TimeBase;
  /** Legs in memory at most. */
  maxFlows?: number;
  maxSeries?: number;
  /** Bytes for recent packets; 0 for none. */
  ringBytes?: number;
  /** Quiet after which a connection that is over is told as settled, ns. */
  settleNs?: number;
  /** How long connections that are over stay in memory, ns. */
  rememberNs?: number;
  /** Silence after which an open connection is taken for gone, ns. */
  idleNs?: number;
  topology?: Topology | null;
  /** With packets of broken connections in what is settled. */
  keepBroken?: boolean;
  /** `glance` is used: changes between looks are noted for it. */
  glances?: boolean;
  onFinding?: (entry: BookEntry, change: FindingChange) => void;
}

export const DEFAULT_MAX_FLOWS = 100_000;
export const DEFAULT_MAX_SERIES = 10_000;
export const DEFAULT_RING_BYTES = 32 * 1024 * 1024;
const DEFAULT_SETTLE_NS = 15e9;
const DEFAULT_REMEMBER_NS = 900e9;
const DEFAULT_IDLE_NS = 3600e9;
/** Packets tracked between two looks at how full memory is. */
const MOST_AT_ONCE = 4096;

/**
 * A live session without a clock or threads of its own: packets and times in, figures, findings and settled connections
 * out. Pure but for the time that a look takes, which its driver measures.
 *
 * Every look joins and judges all legs in memory, as `analyze` does: what it says at the end of a run that fits into
 * memory is what `analyze` says.
 */
export class LiveSession {
  readonly timeBase: TimeBase;
  readonly sources: TrackedSource[] = [];
  readonly maxFlows: number;
  readonly tally: Tally;
  readonly findings: FindingBook;
  readonly vips = new VipBook();
  readonly ring: PacketRing | null;
  readonly idleNs: number;
  /** One conversation in so many is followed. */
  sampling = 1;
  /** ns since the base; NaN before the first packet. */
  now = Number.NaN;
  /** The last look, null before the first. */
  look: Look | null = null;
  /** Looks taken. */
  looks = 0;
  /** Time of the first packet, and since when connections are remembered, ns. */
  begun = Number.NaN;
  rememberedFrom = Number.NaN;
  /** Legs given up before they were over. */
  evicted = 0;
  private readonly book = new ConnectionBook();
  private readonly topology: Topology | null;
  private readonly settleNs: number;
  private readonly rememberNs: number;
  private readonly keepBroken: boolean;
  private readonly glances: Glance | null;
  private settled: SettledConnection[] = [];
  private unsettled: SettledConnection[] = [];
  /** Nothing was ever given up: the session has seen and kept all. */
  private isWhole = true;

  constructor(options: SessionOptions) {
    this.timeBase = options.timeBase;
    this.maxFlows = Math.max(1000, options.maxFlows ?? DEFAULT_MAX_FLOWS);
    this.settleNs = options.settleNs ?? DEFAULT_SETTLE_NS;
    this.rememberNs = options.rememberNs ?? DEFAULT_REMEMBER_NS;
    this.idleNs = options.idleNs ?? DEFAULT_IDLE_NS;
    this.topology = options.topology ?? null;
    this.keepBroken = options.keepBroken ?? false;
    const ringBytes = options.ringBytes ?? DEFAULT_RING_BYTES;
    this.ring = ringBytes > 0 ? new PacketRing(ringBytes) : null;
    this.tally = new Tally({ maxSeries: options.maxSeries ?? DEFAULT_MAX_SERIES, idleNs: this.idleNs });
    this.findings = new FindingBook(options.onFinding);
    const { sources, book, topology, timeBase } = this;
    this.glances = options.glances ? new Glance({ sources, book, topology, timeBase }) : null;
  }

  addSource(facts: SourceFacts): TrackedSource {
    // the session gives legs up itself, before a tracker has to
    const source = new TrackedSource(facts, this.sources.length, this.maxFlows * 2 + MOST_AT_ONCE);
    if (this.glances !== null) source.takeMarked();
    this.sources.push(source);
    return source;
  }

  /** Legs in memory. */
  get live(): number {
    return this.sources.reduce((sum, { tracker }) => sum + tracker.legs.live, 0);
  }

  /** Tracks packets `from` to `to` (exclusive) of a batch; the clock follows their times. */
  ingest(source: TrackedSource, batch: PacketBatch, from = 0, to = batch.count): void {
    if (this.sampling > 1) this.isWhole = false;
    const most = Math.min(MOST_AT_ONCE, Math.max(64, Math.floor(this.maxFlows / 4)));
    for (let start = from; start < to; start += most) {
      const end = Math.min(to, start + most);
      if (this.live + end - start > this.maxFlows) this.lookNow({ isForced: true });
      source.ingest(batch, start, end, this.sampling, this.ring);
      this.advance(source.newest);
      if (Number.isNaN(this.begun)) this.begun = source.newest;
    }
  }

  /** Sets the clock, ns since the base; it only goes forward. */
  advance(now: number): void {
    if (!(now <= this.now) && !Number.isNaN(now)) this.now = now;
  }

  /** Joins and judges what is in memory, counts it, tells what is settled and gives up what is no longer needed. */
  judge(): void {
    this.lookNow({});
  }

  /** Reads what has changed of connections since the last look or glance, without judging anything. */
  glance(): void {
    const glanced = this.glances?.take(this.now, this.look) ?? null;
    if (glanced === null) return;
    const { whole, subject, found } = glanced;
    const broken = found.filter(({ connection, known }) => {
      return known.isCloseTold && this.keepBroken && isBroken(subject.outcome(connection));
    });
    const packets = this.packetsByConnection(
      whole,
      broken.map(({ connection, legs, known }) => {
        known.packetsTo = connection.end;
        // texts and files name it as the session does
        return { ...connection, id: known.id, legs: [...legs] };
      }),
    );
    const files = new Map([...packets].map(([{ id }, file]) => [id, file]));
    for (const { connection, known } of found) {
      this.unsettled.push(this.told(subject, connection, known, files.get(known.id) ?? null));
    }
  }

  /** Connections that glances have read since it was asked last, and names that hold no longer. */
  takeUnsettled(): UnsettledConnections {
    const connections = this.unsettled;
    this.unsettled = [];
    return { connections, withdrawn: this.glances === null ? [] : this.book.takeMerged().map((id) => `c${id}`) };
  }

  /** The last look: everything is settled with it, findings that did not hold are withdrawn. */
  finish(): void {
    this.lookNow({ isFinal: true });
  }

  /** Connections that were settled since it was asked last. */
  takeSettled(): SettledConnection[] {
    const { settled } = this;
    this.settled = [];
    return settled;
  }

  /** @param isForced for want of memory, ahead of its time: short windows are left for the next */
  private lookNow({ isFinal = false, isForced = false }: { isFinal?: boolean; isForced?: boolean }): void {
    const before = this.look?.now ?? Number.NaN;
    // two of them at once would take twice the memory
    this.look = null;
    const look = this.read();
    this.look = look;
    this.looks++;
    const { subject } = look.diagnosis;
    const { now, knowns } = look;
    const sizes = { live: this.live, maxLegs: this.maxFlows, now, idleNs: this.idleNs };
    // short of room where the next packets might not fit
    const isFull = sizes.live + MOST_AT_ONCE > this.maxFlows && !isFinal;
    const leaving = new Set(isFull ? chooseLeaving(subject, sizes) : []);
    this.vips.update(look);
    this.tally.count({
      subject,
      knowns,
      now,
      before,
      baseSeconds: this.timeBase.seconds ?? 0,
      isVip: (connection) => this.vips.isVip(subject, connection),
      isFinal: (connection) => isFinal || leaving.has(connection),
    });
    const seen = seenFindings(look, this.topology, isForced ? [] : ["1m", "10s"]);
    for (const { id, connections } of look.diagnosis.findings) {
      if (id === "path.asymmetric") this.tally.asymmetric(subject, knowns, connections);
    }
    this.findings.update(seen, now, { isFinal, isWhole: this.isWhole });
    this.settle(look, leaving, isFinal);
    if (!isFinal) this.retire(look, leaving);
  }

  private read(): Look {
    const captures = this.sources.map((source) => source.capture());
    const given = this.topology === null ? null : { topology: this.topology, baseSeconds: this.timeBase.seconds };
    const connected = connect(captures, given);
    const diagnosis = diagnose(connected, this.topology);
    const topology = inferTopology(connected, this.topology);
    const analysis = analysisOf({ captures, topology, diagnosis, timeBase: this.timeBase });
    const knowns = this.book.identify(connected);
    return { captures, connected, diagnosis, topology, analysis, vips: vipFigures(analysis), knowns, now: this.now };
  }

  /** Tells connections that are over and quiet for long enough, and those that leave. */
  private settle(
    { connected, diagnosis: { subject }, knowns, now }: Look,
    leaving: Set<Connection>,
    isFinal: boolean,
  ): void {
    const told: { connection: Connection; known: Known }[] = [];
    for (const connection of connected.connections) {
      const known = knowns[connection.id]!;
      if (known.isTold) continue;
      const outcome = subject.outcome(connection);
      const isSettled = isOver(connection, outcome, now, this.idleNs) && now - connection.end >= this.settleNs;
      if (!isSettled && !isFinal && !leaving.has(connection)) continue;
      known.isTold = true;
      told.push({ connection, known });
    }
    const broken = told.filter(({ connection, known }) => {
      return this.keepBroken && isBroken(subject.outcome(connection)) && known.packetsTo !== connection.end;
    });
    const packets = this.packetsByConnection(
      connected,
      broken.map(({ connection }) => connection),
    );
    for (const { connection, known } of told) {
      this.settled.push(this.told(subject, connection, known, packets.get(connection) ?? null));
    }
  }

  private told(subject: Case, connection: Connection, known: Known, pcapng: Uint8Array | null): SettledConnection {
    const document = joinedConnectionDocument({ subject, timeBase: this.timeBase }, connection);
    const firstByteNs = firstByteTime(subject.connected.set, connection);
    return {
      connection: { ...document, id: nameOf(known) },
      firstByte: Number.isNaN(firstByteNs) ? null : firstByteNs / 1e9,
      pcapng,
    };
  }

  private packetsByConnection(
    connected: Look["connected"],
    broken: readonly Connection[],
  ): Map<Connection, Uint8Array> {
    const files = new Map<Connection, Uint8Array>();
    if (this.ring === null || broken.length === 0) return files;
    const owner = new Map(broken.flatMap((connection) => connection.legs.map((ref) => [ref, connection] as const)));
    const byOwner = new Map<Connection, LegPacket[]>();
    for (const packet of packetsOf(connected, broken, this.ring)) {
      const connection = owner.get(packet.leg)!;
      const packets = byOwner.get(connection);
      if (packets) packets.push(packet);
      else byOwner.set(connection, [packet]);
    }
    for (const [connection, packets] of byOwner) {
      files.set(connection, pcapngOf(connected, [connection], packets, this.timeBase));
    }
    return files;
  }

  /** Gives up the legs of connections that leave, and of those that were told long ago. */
  private retire({ connected, diagnosis: { subject }, knowns, now }: Look, leaving: Set<Connection>): void {
    const { set } = connected;
    const oldest = now - this.rememberNs;
    const legs = new Map<TrackedSource, number[]>();
    for (const connection of connected.connections) {
      const known = knowns[connection.id]!;
      const isPast = known.isTold && connection.end < oldest;
      if (!isPast && !leaving.has(connection)) continue;
      if (!isPast && !hasEnded(connection, subject.outcome(connection), now, this.idleNs)) {
        this.evicted += connection.legs.length;
      }
      known.isGone = true;
      this.isWhole = false;
      if (!(connection.end <= this.rememberedFrom)) this.rememberedFrom = connection.end;
      this.book.forget(connected, connection);
      for (const ref of connection.legs) {
        const source = this.sources[set.trackOf(ref).capture]!;
        const list = legs.get(source);
        if (list) list.push(set.legOf(ref));
        else legs.set(source, [set.legOf(ref)]);
      }
    }
    for (const [source, numbers] of legs) source.tracker.retire(numbers);
    for (const { tracker } of this.sources) tracker.neighbourhood.forget(oldest);
  }
}

function isBroken(outcome: string): boolean {
  return outcome === "reset" || outcome === "refused" || outcome === "timeout";
}
