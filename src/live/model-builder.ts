import type { ProbeCost } from "../capture/live-source.ts";
import { type RateClock, ratesOf } from "./figures.ts";
import type { BookEntry } from "./finding-book.ts";
import { readMetrics, updateGauges } from "./live-metrics.ts";
import type { LiveDrops, LiveFinding, LiveHealth, LiveModel, LiveSourceState } from "./live-model.ts";
import type { LiveSession } from "./live-session.ts";
import { resetsOf, vipsOf } from "./live-vips.ts";
import type { LookFigures } from "./look-figures.ts";
import { membersOf, pathsOf } from "./model-places.ts";

/** What only the driver of a session knows. */
export interface DriverState {
  state: LiveHealth["state"];
  failure: string | null;
  sources: readonly {
    state: LiveSourceState["state"];
    failure: string | null;
    packetsPerSecond: number;
    bytesPerSecond: number;
    lag: number;
  }[];
  probes: readonly ProbeCost[];
  drops?: LiveDrops;
  judgeSeconds: number;
  judgeEverySeconds: number;
  residentBytes: number;
}

/** Makes models of a session. */
export class ModelBuilder {
  private readonly session: LiveSession;
  private sequence = 0;
  /** As of the look with this number; -1 before the first. A look itself is large, and not to be kept. */
  private figures: LookFigures | null = null;
  private looked = -1;

  constructor(session: LiveSession) {
    this.session = session;
  }

  /** True where a look was taken since figures were read. */
  get isBehind(): boolean {
    return this.session.looks !== this.looked;
  }

  /** @param isDue false to leave the figures of connections as they are, though there was a look: reading them costs */
  build(driver: DriverState, isDue = true): LiveModel {
    const { session } = this;
    const baseSeconds = session.timeBase.seconds ?? 0;
    // connections are counted at looks: what came since is in no window yet
    const clock = { now: (session.look?.now ?? session.now) / 1e9, begun: session.begun / 1e9 };
    if (this.figures === null || (isDue && this.isBehind)) {
      this.figures = readFigures(session, clock, baseSeconds);
      this.looked = session.looks;
    }
    return {
      sequence: ++this.sequence,
      now: baseSeconds + session.now / 1e9,
      health: this.health(driver, clock, baseSeconds),
      sources: this.sources(driver),
      probes: driver.probes,
      ...(driver.drops === undefined ? {} : { drops: driver.drops }),
      ...this.figures,
    };
  }

  private health(driver: DriverState, clock: RateClock, baseSeconds: number): LiveHealth {
    const { session } = this;
    const { sources } = session;
    const sum = (of: (index: number) => number) => sources.reduce((total, _, index) => total + of(index), 0);
    const lost = sum((i) => sources[i]!.lost);
    const rates = ratesOf(session.tally.total, clock)["10s"];
    return {
      state: driver.state,
      failure: driver.failure,
      packets: sum((i) => sources[i]!.tracker.totals.packets + sources[i]!.sampledOut),
      bytes: sum((i) => sources[i]!.tracker.totals.bytes),
      packetsPerSecond: sum((i) => driver.sources[i]?.packetsPerSecond ?? 0),
      bytesPerSecond: sum((i) => driver.sources[i]?.bytesPerSecond ?? 0),
      connectionsPerSecond: rates.connectionsPerSecond,
      activeConnections: session.tally.activeTotal,
      flows: session.live,
      maxFlows: session.maxFlows,
      sampling: session.sampling,
      sampledOut: sum((i) => sources[i]!.sampledOut),
      evicted: session.evicted,
      lost,
      warnings: this.warnings(lost, clock),
      judgeSeconds: driver.judgeSeconds,
      judgeEverySeconds: driver.judgeEverySeconds,
      rememberedFrom:
        baseSeconds + (Number.isNaN(session.rememberedFrom) ? session.begun : session.rememberedFrom) / 1e9,
      residentBytes: driver.residentBytes,
    };
  }

  private warnings(lost: number, { now }: RateClock): string[] {
    const { session } = this;
    const warnings: string[] = [];
    const count = (value: number) => value.toLocaleString("en");
    // an interface that is gone while others go on
    for (const { facts } of session.sources) {
      if (facts.kind === "interface") warnings.push(...facts.problems.map(({ message }) => message));
    }
    if (session.sampling > 1) {
      warnings.push(`too much traffic to keep up: one conversation in ${session.sampling} is followed`);
    }
    if (lost > 0) warnings.push(`sources lost ${count(lost)} packets: gaps may be theirs`);
    if (session.evicted > 0) {
      warnings.push(
        `${count(session.evicted)} flows were given up for memory before they ended: --max-flows keeps more`,
      );
    }
    if (!session.tally.hasRatesOfAll) {
      const shown = count(session.tally.backends.size);
      warnings.push(`more than ${shown} backends: those beyond have no rates of their own`);
    }
    const remembered = now - session.rememberedFrom / 1e9;
    if (remembered < 600) {
      warnings.push(`only the last ${Math.round(remembered)} s fit into memory: --max-flows keeps more`);
    }
    return warnings;
  }

  private sources(driver: DriverState): LiveSourceState[] {
    const { session } = this;
    const clocks = session.look?.connected.clocks;
    return session.sources.map((source, index) => {
      const own = driver.sources[index];
      const clock = clocks?.[index];
      const uncertainty = clock?.uncertainty ?? Number.POSITIVE_INFINITY;
      const isBound = Number.isFinite(uncertainty);
      return {
        name: source.facts.name,
        kind: source.facts.kind,
        state: own?.state ?? "opening",
        failure: own?.failure ?? null,
        points: source.pointNames,
        packets: source.tracker.totals.packets + source.sampledOut,
        packetsPerSecond: own?.packetsPerSecond ?? 0,
        bytesPerSecond: own?.bytesPerSecond ?? 0,
        lost: source.lost,
        sampledOut: source.sampledOut,
        clockOffset: isBound && clock ? clock.offset / 1e9 : Number.NaN,
        clockUncertainty: isBound ? uncertainty / 1e9 : Number.NaN,
        lag: own?.lag ?? Number.NaN,
      };
    });
  }
}

function readFigures(session: LiveSession, clock: RateClock, baseSeconds: number): LookFigures {
  const { look, vips: known, tally, findings } = session;
  const { vips, backends } = vipsOf(session, clock);
  const members = look === null ? [] : membersOf(look, known);
  updateGauges(session, vips, members);
  return {
    vips,
    backends,
    resets: resetsOf(session, clock, baseSeconds),
    members,
    paths: look === null ? [] : pathsOf(look, known),
    findings: findings.list().map((entry) => liveFinding(entry, baseSeconds)),
    series: tally.series.read(clock.now, clock.begun, baseSeconds),
    metrics: readMetrics(session),
  };
}

/** A finding as faces read it. */
export function liveFinding(entry: BookEntry, baseSeconds: number): LiveFinding {
  const { key, state, opened, lastSeen, closed, worst, windows, finding } = entry;
  const epoch = (time: number) => baseSeconds + time / 1e9;
  return {
    key,
    state,
    opened: epoch(opened),
    lastSeen: epoch(lastSeen),
    closed: epoch(closed),
    worst,
    windows,
    finding,
  };
}
