import type { TimeBase } from "../capture/time-base.ts";
import { UDP } from "../decode/packet.ts";
import { Case } from "../diagnose/case.ts";
import * as L from "../flow/leg-layout.ts";
import type { Outcome } from "../flow/leg-outcome.ts";
import type { Connected } from "../path/connect.ts";
import { connect } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import { type LegRef, LegSet } from "../path/leg-set.ts";
import { LegOrder } from "../path/order.ts";
import type { Topology } from "../topology/topology.ts";
import { captureOfLegs } from "./chosen-legs.ts";
import type { ConnectionBook, Known } from "./connection-book.ts";
import type { Look } from "./look.ts";
import type { TrackedSource } from "./tracked-source.ts";

/** An open connection is told when it is this old: most are over before, and told once. */
const YOUNG_NS = 1e9;
/** What changes of a connection that was told is told this long after. */
const REFRESH_NS = 10e9;
/** Told again in one glance, at most. */
const MOST_REFRESHED = 400;
/** So few legs are all read: what is found is what a look finds. */
const ALL_LEGS = 1000;
/** Where there are more, these of others go with those that changed: what they show of VIPs and backends holds for all. */
const CONTEXT_LEGS = 1000;

/** What a glance finds. */
export interface Glanced {
  /** Of the legs that were read. */
  subject: Case;
  /** The same with all legs of the session. */
  whole: Connected;
  /** To be told: as it was joined, its legs among all, and what the session remembers of it. */
  found: readonly { connection: Connection; legs: readonly LegRef[]; known: Known }[];
}

/** What all glances of a session share. */
export interface GlanceOptions {
  sources: readonly TrackedSource[];
  book: ConnectionBook;
  topology: Topology | null;
  timeBase: TimeBase;
}

/**
 * Reads, between two looks, what has changed: connections that closed, that are a second old, or that went on. Only the
 * legs concerned are joined, so that it takes milliseconds however many are in memory. It judges nothing and tells no
 * findings; what looks know better (who is to blame, what is a health check) the settled connection says later.
 */
export class Glance {
  private readonly options: GlanceOptions;
  /** Changed, and not told yet. */
  private waiting = new Set<LegRef>();
  /** Legs of what was told last. */
  private recent: LegRef[] = [];
  private checks: { look: Look; pairs: ReadonlySet<string> } | null = null;

  constructor(options: GlanceOptions) {
    this.options = options;
  }

  /**
   * @param now ns since the base
   * @param look the last one, for what it knows of health checks
   * @returns null where nothing is to be told
   */
  take(now: number, look: Look | null): Glanced | null {
    const { sources, book, topology, timeBase } = this.options;
    const whole = new LegSet(sources.map((source) => source.capture()));
    const changed = this.changed(whole, now);
    if (changed.size === 0) return null;
    const live = sources.reduce((sum, { tracker }) => sum + tracker.legs.live, 0);
    const isWhole = live <= ALL_LEGS;
    const legs = isWhole ? [] : this.withContext(whole, changed);
    const captures = isWhole ? whole.captures : sources.map((source, i) => captureOfLegs(source, legs[i]!));
    const given = topology === null ? null : { topology, baseSeconds: timeBase.seconds };
    const connected = connect(captures, given);
    const subject = new Case(connected, topology);
    const known = (ref: LegRef): LegRef => {
      const { index } = connected.set.trackOf(ref);
      const leg = connected.set.legOf(ref);
      return isWhole ? ref : whole.ref(index, legs[index]![leg]!);
    };
    const found = this.due(
      subject,
      now,
      connected.connections.map((connection) => {
        const refs = connection.legs.map(known);
        return { connection, legs: refs, known: book.meet(whole, refs) };
      }),
    );
    if (!isWhole && look !== null) this.markChecks(subject, found, look);
    this.recent = [...found.flatMap((one) => one.legs), ...this.recent].slice(0, CONTEXT_LEGS);
    return { subject, whole: { ...connected, set: whole, order: new LegOrder(whole, connected.clocks) }, found };
  }

  /** Legs of connections that may have to be told, with all legs of theirs. */
  private changed(whole: LegSet, now: number): Set<LegRef> {
    const { sources, book } = this.options;
    const chosen = new Set<LegRef>();
    const waiting = new Set<LegRef>();
    let refreshed = 0;
    const consider = (ref: LegRef, isFresh: boolean) => {
      const { tracker, index } = whole.trackOf(ref);
      const leg = whole.legOf(ref);
      if (!tracker.legs.has(leg)) return;
      const known = book.of(index, leg);
      if (known === undefined) {
        chosen.add(ref);
        return;
      }
      if (known.isTold) return;
      const isClosed = isFresh && !known.isCloseTold && hasClose(whole, ref);
      const isRefresh = !isClosed && !Number.isNaN(known.toldTo);
      if (!isClosed && (now < known.dueAt || (isRefresh && refreshed >= MOST_REFRESHED))) waiting.add(ref);
      else {
        if (isRefresh) refreshed++;
        for (const one of [...known.legs, ref]) chosen.add(one);
      }
    };
    for (const ref of this.waiting) consider(ref, false);
    sources.forEach((source, track) => {
      for (const leg of source.takeMarked()) consider(whole.ref(track, leg), true);
    });
    this.waiting = waiting;
    return chosen;
  }

  /** By source. */
  private withContext(whole: LegSet, changed: ReadonlySet<LegRef>): number[][] {
    const bySource: number[][] = this.options.sources.map(() => []);
    for (const ref of new Set([...changed, ...this.recent])) {
      const { tracker, index } = whole.trackOf(ref);
      const leg = whole.legOf(ref);
      if (tracker.legs.has(leg)) bySource[index]!.push(leg);
    }
    return bySource;
  }

  /** Those of them that are to be told now; the others wait. */
  private due(subject: Case, now: number, all: Glanced["found"]): Glanced["found"] {
    const seen = new Set<Known>();
    return all.filter(({ connection, legs, known }) => {
      // of two with one name the next look tells which is which
      if (known.isTold || seen.has(known)) return false;
      seen.add(known);
      const isChanged = known.toldTo !== connection.end;
      if (!isChanged) return false;
      const isNew = Number.isNaN(known.toldTo);
      const isClosed = hasClosed(connection, subject.outcome(connection));
      if (isNew && Number.isNaN(known.dueAt)) known.dueAt = connection.start + YOUNG_NS;
      if (!(isClosed && !known.isCloseTold) && !(now >= known.dueAt)) {
        for (const ref of legs) this.waiting.add(ref);
        return false;
      }
      known.toldTo = connection.end;
      known.isCloseTold = isClosed;
      known.dueAt = now + REFRESH_NS;
      return true;
    });
  }

  /** Checks are told from clients by how regularly they come, which few connections do not show: the last look's hold. */
  private markChecks(subject: Case, found: Glanced["found"], look: Look): void {
    if (this.checks?.look !== look) {
      const whole = look.diagnosis.subject;
      const checks = whole.connections.filter(({ healthCheck }) => healthCheck);
      this.checks = { look, pairs: new Set(checks.map((one) => pairOf(whole, one))) };
    }
    const { pairs } = this.checks;
    if (pairs.size === 0) return;
    for (const { connection } of found) connection.healthCheck ||= pairs.has(pairOf(subject, connection));
  }
}

function pairOf(subject: Case, { client, vip }: Connection): string {
  return `${subject.text(client).replace(/:\d+$/, "")} ${subject.text(vip)}`;
}

/** Whether a FIN or RST was seen on a leg: what its outcome is, joining says. */
function hasClose(set: LegSet, ref: LegRef): boolean {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  return (legs.words(leg)[legs.base(leg) + L.STATE]! & CLOSING) !== 0;
}

const CLOSING = L.LEG_FIN_UP | L.LEG_FIN_DOWN | L.LEG_RST_UP | L.LEG_RST_DOWN;

function hasClosed({ protocol }: Connection, outcome: Outcome): boolean {
  return protocol !== UDP && outcome !== "open" && outcome !== "timeout";
}
