import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { FlowCounter, LiveSource, ProbeCost } from "../capture/live-source.ts";
import { PacketBatch } from "../capture/packet-batch.ts";
import type { CaptureInterface, CaptureProblem } from "../capture/reader.ts";
import type { TimeBase } from "../capture/time-base.ts";
import { readFlows } from "./flow-counts.ts";
import { FlowTap, type FlowTapOptions, hasEthernet } from "./flow-tap.ts";
import { InterfaceWatch } from "./interface-watch.ts";
import { KernelClock } from "./kernel-clock.ts";
import { ProbeError } from "./probe-error.ts";
import { copyPacket, MAX_SNAPSHOT_BYTES, readSnapshotHead } from "./snapshot.ts";

/** https://www.tcpdump.org/linktypes.html */
const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;
/** How long a snapshot waits at most where nothing else is done. Long enough that an idle interface costs nothing. */
const POLL_MS = 10;

/**
 * The kernel's flow tap as a live source: snapshots are its packets, each interface an observation point.
 *
 * @param names of interfaces of this network namespace
 */
export function openLiveSource(
  names: readonly string[],
  { timeBase, options }: { timeBase: TimeBase; options: Readonly<Record<string, unknown>> },
): LiveSource {
  return new FlowTapSource({ ...options, interfaces: names }, timeBase);
}

class FlowTapSource implements LiveSource {
  /** Names its points `HOST:eth0`. */
  readonly name = hostname();
  readonly kind = "interface";
  readonly format = "pcapng";
  readonly isSampled = true;
  readonly interfaces: CaptureInterface[] = [];
  /** Interfaces that went while others stay. */
  readonly problems: CaptureProblem[] = [];
  private readonly options: FlowTapOptions;
  private readonly timeBase: TimeBase;
  private readonly clock = new KernelClock();
  private readonly batch = new PacketBatch();
  private readonly numbers = new Map<number, number>();
  private tap: FlowTap | null = null;
  private watch = new InterfaceWatch([]);
  private isStopped = false;
  private frames = 0;
  /** CLOCK_MONOTONIC up to which conversations were counted. */
  private countedNs = -1n;
  private startedNs = 0n;
  private finalLost = 0;

  constructor(options: FlowTapOptions, timeBase: TimeBase) {
    this.options = options;
    this.timeBase = timeBase;
    this.batch.bytes = new Uint8Array(PacketBatch.CAPACITY * MAX_SNAPSHOT_BYTES);
    this.batch.view = new DataView(this.batch.bytes.buffer);
  }

  async start(): Promise<void> {
    const tap = new FlowTap(this.options);
    this.tap = tap;
    this.watch = new InterfaceWatch(tap.interfaces);
    this.startedNs = process.hrtime.bigint();
    tap.interfaces.forEach((each, i) => {
      this.numbers.set(each.index, i);
      const linkType = hasEthernet(each) ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
      this.interfaces.push({ name: each.name, linkType, snapLength: MAX_SNAPSHOT_BYTES, fcsLength: 0, dropped: null });
    });
  }

  /** @throws ProbeError once all its interfaces are gone and what they passed is handed on */
  async next(maxWaitMilliseconds: number): Promise<PacketBatch | null> {
    const until = performance.now() + maxWaitMilliseconds;
    for (;;) {
      if (this.isStopped || this.tap === null) return null;
      this.noticeGone();
      this.fill(this.tap);
      if (this.batch.count > 0) return this.batch;
      if (this.watch.areAllGone) throw new ProbeError(this.problems.map(({ message }) => message).join(", "));
      const left = until - performance.now();
      if (left <= 0) return this.batch;
      await sleep(Math.min(POLL_MS, left));
    }
  }

  lost(): number {
    if (this.tap === null) return this.finalLost;
    const { lost, untracked } = this.tap.counters();
    return lost + untracked;
  }

  flowCounters(): FlowCounter[] {
    if (this.tap === null) return [];
    const since = this.countedNs;
    const baseNs = BigInt(this.timeBase.seconds ?? 0) * 1_000_000_000n - this.clock.epochOffsetNs;
    const counters: FlowCounter[] = [];
    for (const flow of readFlows(this.tap, since)) {
      if (flow.lastNs > this.countedNs) this.countedNs = flow.lastNs;
      const number = this.numbers.get(flow.ifindex);
      // the tracker's names for what lies in tunnels and VLANs have more to them than the counts do
      if (number === undefined || flow.tunnels > 0 || flow.hasVlanTag) continue;
      const { protocol, src, dst, srcPort, dstPort, packets, bytes } = flow;
      const lastTime = Number(flow.lastNs - baseNs);
      counters.push({ interface: number, protocol, src, dst, srcPort, dstPort, packets, bytes, lastTime });
    }
    return counters;
  }

  probes(): ProbeCost[] {
    if (this.tap === null) return [];
    const { sent, lost } = this.tap.counters();
    const { runs, nanoseconds } = this.tap.cost();
    const elapsed = Number(process.hrtime.bigint() - this.startedNs);
    return [
      {
        name: "flowtap",
        attached: `tc ${this.interfaces.map(({ name }) => name).join(" ")}`,
        events: sent,
        lost,
        nanosecondsPerEvent: runs === 0 ? Number.NaN : nanoseconds / runs,
        coreShare: runs === 0 ? Number.NaN : nanoseconds / elapsed,
      },
    ];
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.finalLost = this.lost();
    this.tap?.close();
    this.tap = null;
  }

  private noticeGone(): void {
    for (const name of this.watch.takeGone()) {
      this.problems.push({ code: "interface-gone", message: `${name} is gone`, offset: 0 });
    }
  }

  private fill(tap: FlowTap): void {
    const { batch, numbers } = this;
    const offsetNs = this.clock.epochOffsetNs;
    batch.count = 0;
    batch.firstFrame = this.frames + 1;
    let at = 0;
    tap.poll((bytes, offset) => {
      const head = readSnapshotHead(bytes, offset);
      const epochNs = head.timeNs + offsetNs;
      this.timeBase.seconds ??= Number(epochNs / 1_000_000_000n);
      const i = batch.count++;
      const captured = copyPacket(bytes, offset, batch.bytes, at);
      batch.offset[i] = at;
      batch.captured[i] = captured;
      batch.wire[i] = Math.max(captured, head.wireBytes);
      batch.time[i] = Number(epochNs - BigInt(this.timeBase.seconds) * 1_000_000_000n);
      batch.interface[i] = numbers.get(head.ifindex) ?? 0;
      at += captured;
    }, PacketBatch.CAPACITY);
    this.frames += batch.count;
  }
}
