import type { LiveSource } from "../capture/live-source.ts";
import { TimeBase } from "../capture/time-base.ts";
import { raiseCounts } from "../flow/raise-counts.ts";
import { DropWatch, type OpenDropCounter, openDropCounter } from "./drop-watch.ts";
import { EvidenceBook } from "./evidence-book.ts";
import { SamplingControl } from "./flow-sampling.ts";
import type { LiveHandle, LiveListener, LiveOptions, OpenLiveSource, SourceSpec } from "./live-handle.ts";
import type { FlowQuery, LiveHealth, LiveModel, LiveSourceState } from "./live-model.ts";
import { LiveSession } from "./live-session.ts";
import { liveFinding, ModelBuilder } from "./model-builder.ts";
import { ReplayPace, type Timing } from "./pace.ts";
import { factsOf, Replay } from "./replay.ts";
import { answerFlows, answerLadder, answerPackets } from "./session-queries.ts";
import { StreamSource } from "./stream-source.ts";
import type { TrackedSource } from "./tracked-source.ts";

/** A look is taken at most this often, and takes at most this share of the thread's time. */
const JUDGE_EVERY_SECONDS = 1;
const JUDGE_SHARE = 0.25;
/** The same of glances between looks, where somebody listens. */
const GLANCE_EVERY_SECONDS = 0.25;
const GLANCE_SHARE = 0.1;
const MODEL_EVERY_SECONDS = 0.25;
/** Reading figures for models, and handing them on, takes at most this share of the thread's time. */
const MODEL_SHARE = 0.05;
/** Work done before timers and messages have their turn. */
const BREATHE_SECONDS = 0.02;
const SOURCE_WAIT_MILLISECONDS = 200;
/** Settled connections told at once; more waiting than this hold the sources up. */
const TOLD_AT_ONCE = 100;
const MOST_WAITING = 2000;
/** Work is measured over this at least. */
const WORK_SECONDS = 2;
/** Rates of sources are taken over this. */
const RATE_SECONDS = 2;

interface Pump {
  spec: SourceSpec;
  state: LiveSourceState["state"];
  failure: string | null;
  /** Null for a replayed file. */
  source: LiveSource | null;
  tracked: TrackedSource;
  packetsPerSecond: number;
  bytesPerSecond: number;
  /** Epoch seconds of arrival less those of the packet; the least there was is taken for the clocks' difference. */
  lag: number;
  leastLag: number;
  counted: { at: number; packets: number; bytes: number };
}

/**
 * Runs a live session: feeds it from its sources, looks at what it holds on a clock, and makes models. It works in the
 * thread that it is started in; `startLive` gives it one of its own.
 */
export class LiveDriver implements LiveHandle {
  readonly ended: Promise<void>;
  private readonly session: LiveSession;
  private readonly timeBase = new TimeBase();
  private readonly options: LiveOptions;
  private readonly listener: LiveListener;
  private readonly timing: Timing;
  private readonly openDrops: OpenDropCounter;
  private readonly builder: ModelBuilder;
  private readonly evidenceBook = new EvidenceBook();
  private readonly sampling = new SamplingControl();
  private readonly pumps: Pump[] = [];
  private readonly works: Promise<void>[] = [];
  private drops: DropWatch | null = null;
  private replay: { replay: Replay; pace: ReplayPace; first: number } | null = null;
  private state: LiveHealth["state"] = "starting";
  private failure: string | null = null;
  private newestModel: LiveModel;
  private isStopped = false;
  private startedAt = 0;
  private judgedAt = 0;
  private judgeSeconds = 0;
  private glanceDueAt = 0;
  private modelAt = Number.NEGATIVE_INFINITY;
  private figuresDueAt = Number.NEGATIVE_INFINITY;
  private newestAt = 0;
  /** Work of this thread when it was measured last, and its share of the time before that. */
  private worked = { at: 0, busy: 0, idle: 0, share: 0 };
  private breathedAt = 0;
  private delivered: Promise<void> = Promise.resolve();
  private waiting = 0;
  private readonly opened: string[] = [];
  private resolveEnded: () => void = () => {};
  private timer: NodeJS.Timeout | null = null;

  constructor(
    options: LiveOptions,
    listener: LiveListener,
    timing: Timing,
    openDrops: OpenDropCounter = openDropCounter,
  ) {
    this.options = options;
    this.listener = listener;
    this.timing = timing;
    this.openDrops = openDrops;
    const isReplay = options.sources.every(({ kind }) => kind === "replay");
    const isRepeatable = options.sources.every((spec) => spec.kind === "replay" && spec.speed === "max");
    const { maxFlows, maxSeries, ringBytes, settleSeconds, keepBroken, topology } = options;
    this.session = new LiveSession({
      timeBase: this.timeBase,
      ...(maxFlows === undefined ? {} : { maxFlows }),
      ...(maxSeries === undefined ? {} : { maxSeries }),
      ...(ringBytes === undefined ? {} : { ringBytes }),
      // what a replay tells is what all of it shows, as far as memory goes
      ...(settleSeconds === undefined && !isReplay
        ? {}
        : { settleNs: settleSeconds === undefined ? Number.POSITIVE_INFINITY : settleSeconds * 1e9 }),
      keepBroken: keepBroken ?? false,
      // what is read as fast as it goes is read again faster than it would be kept
      glances: listener.unsettled !== undefined && !isRepeatable,
      topology: topology ?? null,
      onFinding: (entry, change) => {
        if (change !== "withdrawn") this.opened.push(entry.key);
        this.listener.finding?.(liveFinding(entry, this.timeBase.seconds ?? 0), change);
      },
    });
    this.builder = new ModelBuilder(this.session);
    this.newestModel = this.build(true);
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  /**
   * Opens all sources and begins.
   * @throws what opening a source throws: a CaptureError, a ProbeError
   */
  async start(): Promise<void> {
    try {
      for (const spec of this.options.sources) await this.open(spec);
      const watchesHost = this.options.sources.some(({ kind }) => kind === "interface");
      if (this.options.countDrops && watchesHost) this.drops = await DropWatch.open(this.openDrops);
    } catch (error) {
      await this.stopSources();
      throw error;
    }
    this.startedAt = this.timing.seconds();
    this.judgedAt = this.startedAt;
    this.worked = { at: this.startedAt, ...this.timing.work(), share: 0 };
    this.state = "running";
    for (const pump of this.pumps) if (pump.source) this.works.push(this.guard(pump, this.pump(pump, pump.source)));
    if (this.replay) this.works.push(this.pumpReplay(this.replay.replay, this.replay.pace));
    void Promise.all(this.works).then(() => this.end());
    this.timer = setInterval(() => this.tick(), 50);
    this.publish();
  }

  model(): LiveModel {
    return this.newestModel;
  }

  async flows(query: FlowQuery): ReturnType<LiveHandle["flows"]> {
    return answerFlows(this.session, query);
  }

  async ladder(id: string, options: Parameters<LiveHandle["ladder"]>[1]): Promise<string | null> {
    return answerLadder(this.session, id, options);
  }

  async evidence(key: string): ReturnType<LiveHandle["evidence"]> {
    return this.evidenceBook.answer(this.session, key);
  }

  async packets(id: string): Promise<Uint8Array | null> {
    return answerPackets(this.session, id);
  }

  async stop(): Promise<void> {
    if (!this.isStopped) {
      this.isStopped = true;
      // a replay is closed at the end: it may be reading
      await Promise.all(this.pumps.map(({ source }) => source?.stop()));
      if (this.state === "starting") this.resolveEnded();
    }
    await this.ended;
  }

  private async open(spec: SourceSpec): Promise<void> {
    const { timeBase, session } = this;
    if (spec.kind === "replay") {
      if (this.replay) throw new Error("files that are replayed go together into one source");
      const replay = await Replay.open(spec.paths, timeBase);
      const speed = spec.speed === "max" ? Number.POSITIVE_INFINITY : spec.speed;
      this.replay = { replay, pace: new ReplayPace(speed, this.timing), first: this.pumps.length };
      for (const reader of replay.readers) {
        this.pumps.push(this.pumpOf(spec, null, session.addSource(factsOf(reader))));
      }
      return;
    }
    const source =
      spec.kind === "stream"
        ? new StreamSource(spec.path, {
            timeBase,
            ...(spec.name === undefined ? {} : { name: spec.name }),
            ...(this.options.stdin ? { stdin: this.options.stdin } : {}),
          })
        : await openInterfaces(spec, timeBase);
    await source.start();
    this.pumps.push(this.pumpOf(spec, source, session.addSource(source)));
  }

  private pumpOf(spec: SourceSpec, source: LiveSource | null, tracked: TrackedSource): Pump {
    return {
      spec,
      state: "running",
      failure: null,
      source,
      tracked,
      packetsPerSecond: 0,
      bytesPerSecond: 0,
      lag: Number.NaN,
      leastLag: Number.POSITIVE_INFINITY,
      counted: { at: this.timing.seconds(), packets: 0, bytes: 0 },
    };
  }

  /** A source that fails ends; the others go on. */
  private async guard(pump: Pump, work: Promise<void>): Promise<void> {
    try {
      await work;
      pump.state = "ended";
    } catch (error) {
      pump.state = "failed";
      pump.failure = error instanceof Error ? error.message : String(error);
    }
  }

  private async pump(pump: Pump, source: LiveSource): Promise<void> {
    while (!this.isStopped) {
      const batch = await source.next(SOURCE_WAIT_MILLISECONDS);
      if (batch === null) return;
      pump.tracked.lost = source.lost();
      if (batch.count === 0) continue;
      this.session.ingest(pump.tracked, batch);
      this.newestAt = this.timing.seconds();
      const { newest } = pump.tracked;
      pump.lag = this.timing.epochSeconds() - ((this.timeBase.seconds ?? 0) + newest / 1e9);
      pump.leastLag = Math.min(pump.leastLag, pump.lag);
      await this.breathe();
    }
  }

  private async pumpReplay(replay: Replay, pace: ReplayPace): Promise<void> {
    const first = this.replay!.first;
    const own = this.pumps.slice(first, first + replay.readers.length);
    try {
      for await (const { reader, batch, from, to, time } of replay.slices()) {
        await pace.until(time, () => this.isStopped);
        if (this.isStopped) break;
        const { tracked } = own[reader]!;
        this.session.ingest(tracked, batch, from, to);
        await this.breathe();
      }
      for (const pump of own) pump.state = "ended";
    } catch (error) {
      for (const pump of own) {
        pump.state = "failed";
        pump.failure = error instanceof Error ? error.message : String(error);
      }
    }
  }

  /** Hands on what is settled, and lets timers and messages have their turn from time to time. */
  private async breathe(): Promise<void> {
    this.deliver();
    if (this.waiting > MOST_WAITING) await this.delivered;
    if (this.timing.seconds() - this.breathedAt < BREATHE_SECONDS) return;
    await this.timing.breathe();
    this.breathedAt = this.timing.seconds();
  }

  private tick(): void {
    if (this.state !== "running") return;
    const now = this.timing.seconds();
    const { durationSeconds } = this.options;
    if (durationSeconds !== undefined && now - this.startedAt >= durationSeconds && !this.isStopped) void this.stop();
    this.turnClock(now);
    this.measureWork(now);
    this.sampling.update(now, {
      busyShare: this.worked.share,
      lagSeconds: this.streamLag(),
      lost: this.pumps.reduce((sum, { tracked }) => sum + tracked.lost, 0),
    });
    this.session.sampling = this.sampling.rate;
    this.rates(now);
    const isJudged = now - this.judgedAt >= this.judgeEvery && !Number.isNaN(this.session.now);
    // a look takes long: what has changed does not wait for it
    if (isJudged || now >= this.glanceDueAt) this.glance();
    if (isJudged) this.judge();
    if (now - this.modelAt >= (this.options.modelEverySeconds ?? MODEL_EVERY_SECONDS)) this.publish();
  }

  private get judgeEvery(): number {
    return Math.max(JUDGE_EVERY_SECONDS, this.judgeSeconds / JUDGE_SHARE);
  }

  /** Time goes on where no packets come: from the newest one on, by the machine's clock or the replay's. */
  private turnClock(now: number): void {
    const isLive = this.pumps.some(({ source, state }) => source !== null && state === "running");
    if (isLive && this.newestAt > 0) {
      const newest = Math.max(...this.pumps.map(({ tracked }) => tracked.newest).filter((time) => !Number.isNaN(time)));
      this.session.advance(newest + (now - this.newestAt) * 1e9);
    } else if (this.replay && !this.isStopped) {
      this.session.advance(this.replay.pace.position());
    }
  }

  /** How much later than at best streams are read; NaN without any. A replay waits for the session. */
  private streamLag(): number {
    const lags = this.pumps
      .filter(({ spec, state, lag }) => spec.kind === "stream" && state === "running" && !Number.isNaN(lag))
      .map(({ lag, leastLag }) => lag - leastLag);
    return lags.length === 0 ? Number.NaN : Math.max(...lags);
  }

  /** Over at least one look: while it is taken, streams wait, but not for long. */
  private measureWork(now: number): void {
    if (now - this.worked.at < Math.max(WORK_SECONDS, this.judgeEvery)) return;
    const { busy, idle } = this.timing.work();
    const total = busy + idle - this.worked.busy - this.worked.idle;
    this.worked = { at: now, busy, idle, share: total > 0 ? (busy - this.worked.busy) / total : 0 };
  }

  private rates(now: number): void {
    for (const pump of this.pumps) {
      const { at, packets, bytes } = pump.counted;
      if (now - at < RATE_SECONDS) continue;
      const { totals } = pump.tracked.tracker;
      const all = totals.packets + pump.tracked.sampledOut;
      pump.packetsPerSecond = (all - packets) / (now - at);
      pump.bytesPerSecond = (totals.bytes - bytes) / (now - at);
      pump.counted = { at: now, packets: all, bytes: totals.bytes };
    }
  }

  private glance(): void {
    const began = this.timing.seconds();
    this.session.glance();
    const took = this.timing.seconds() - began;
    this.glanceDueAt = began + Math.max(GLANCE_EVERY_SECONDS, took / GLANCE_SHARE);
    this.deliver();
  }

  private judge(): void {
    const began = this.timing.seconds();
    this.readCounters();
    this.session.judge();
    this.judged(began);
  }

  private readCounters(): void {
    for (const { source, tracked } of this.pumps) {
      for (const counter of source?.flowCounters?.() ?? []) raiseCounts(tracked.tracker, counter);
    }
  }

  private judged(began: number): void {
    this.judgedAt = this.timing.seconds();
    this.judgeSeconds = this.judgedAt - began;
    for (const key of this.opened.splice(0)) this.evidenceBook.keep(this.session, key);
    this.deliver();
  }

  private deliver(): void {
    const { connections, withdrawn } = this.session.takeUnsettled();
    const settled = this.session.takeSettled();
    const { listener } = this;
    this.tell(connections, (part) => listener.unsettled?.({ connections: part, withdrawn: [] }));
    this.tell(withdrawn, (part) => listener.unsettled?.({ connections: [], withdrawn: part }));
    this.tell(settled, (part) => listener.settled?.(part));
  }

  /** In parts, each when the one before is taken care of. */
  private tell<One>(all: readonly One[], tell: (part: readonly One[]) => void | Promise<void>): void {
    for (let i = 0; i < all.length; i += TOLD_AT_ONCE) {
      const part = all.slice(i, i + TOLD_AT_ONCE);
      this.waiting += part.length;
      this.delivered = this.delivered.then(async () => {
        try {
          await tell(part);
        } catch (error) {
          this.fail(error);
        }
        this.waiting -= part.length;
      });
    }
  }

  private async end(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    try {
      const began = this.timing.seconds();
      this.readCounters();
      this.session.finish();
      this.judged(began);
      await this.delivered;
      await this.stopSources();
    } catch (error) {
      this.fail(error);
    }
    const failed = this.pumps.filter(({ state }) => state === "failed");
    if (failed.length > 0 && failed.length === this.pumps.length) this.failure ??= failed[0]!.failure;
    this.state = this.failure === null ? "ended" : "failed";
    this.publish();
    this.resolveEnded();
  }

  private fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error.message : String(error);
    this.isStopped = true;
  }

  private async stopSources(): Promise<void> {
    await Promise.all(this.pumps.map(({ source }) => source?.stop()));
    await this.replay?.replay.close();
    this.drops?.close(this.timing.seconds());
  }

  private publish(): void {
    const began = this.timing.seconds();
    this.modelAt = began;
    // the last one is of all there was
    const isDue = began >= this.figuresDueAt || this.state !== "running";
    const isRead = isDue && this.builder.isBehind;
    this.newestModel = this.build(isDue);
    this.listener.model?.(this.newestModel);
    const seconds = this.timing.seconds();
    if (isRead) this.figuresDueAt = seconds + (seconds - began) / MODEL_SHARE;
  }

  private build(isDue: boolean): LiveModel {
    const dropped = this.drops?.read(this.timing.seconds());
    const driver = {
      state: this.state,
      failure: this.failure,
      sources: this.pumps.map(({ state, failure, packetsPerSecond, bytesPerSecond, lag, leastLag }) => ({
        state,
        failure,
        packetsPerSecond,
        bytesPerSecond,
        lag: Number.isNaN(lag) ? lag : lag - leastLag,
      })),
      probes: [...this.pumps.flatMap(({ source }) => source?.probes?.() ?? []), ...(dropped?.probes ?? [])],
      ...(dropped === undefined ? {} : { drops: dropped.drops }),
      judgeSeconds: this.judgeSeconds,
      judgeEverySeconds: this.judgeEvery,
      residentBytes: process.memoryUsage.rss(),
    };
    return this.builder.build(driver, isDue);
  }
}

async function openInterfaces(
  spec: Extract<SourceSpec, { kind: "interface" }>,
  timeBase: TimeBase,
): Promise<LiveSource> {
  const { openLiveSource } = (await import(spec.module)) as { openLiveSource: OpenLiveSource };
  return openLiveSource(spec.names, { timeBase, options: spec.options ?? {} });
}
