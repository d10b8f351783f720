import type { LiveSource } from "../capture/live-source.ts";
import type { PacketBatch } from "../capture/packet-batch.ts";
import { observationPoint } from "../capture/point-name.ts";
import { Decoder } from "../decode/decode.ts";
import { isSupportedLinkType } from "../decode/link.ts";
import { Packet } from "../decode/packet.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { FlowTracker } from "../flow/tracker.ts";
import { isFollowed } from "./flow-sampling.ts";
import { LegMarks } from "./leg-marks.ts";
import type { PacketRing } from "./packet-ring.ts";

/** What a session must know of a source to track it. */
export type SourceFacts = Pick<LiveSource, "name" | "kind" | "format" | "interfaces" | "problems" | "isSampled">;

/** Frame numbers are positive words: a long run begins again at 1. */
const FRAMES = 0x7fffffff;

/** One source's tracker, and what has been read of it. */
export class TrackedSource {
  readonly facts: SourceFacts;
  readonly tracker: FlowTracker;
  readonly index: number;
  /** Packets left out by sampling. */
  sampledOut = 0;
  /** Packets that the source says it lost; kept here by who asks it. */
  lost = 0;
  /** ns since the session's base; NaN before the first packet. */
  newest = Number.NaN;
  private marks: LegMarks | null = null;
  private readonly decoder = new Decoder();
  private readonly packet = new Packet();
  private readonly skipped = new Map<number, number>();

  constructor(facts: SourceFacts, index: number, maxLegs: number) {
    this.facts = facts;
    this.index = index;
    this.tracker = new FlowTracker({ maxLegs, isSampled: facts.isSampled ?? false });
  }

  /** Tracks packets `from` to `to` (exclusive) of a batch. */
  ingest(batch: PacketBatch, from: number, to: number, rate: number, ring: PacketRing | null): void {
    const { offset, captured, wire, time, view, bytes } = batch;
    const { packet, decoder, tracker, index, marks } = this;
    let interfaceNumber = -1;
    let linkType = -1;
    let isSupported = false;
    for (let i = from; i < to; i++) {
      if (batch.interface[i] !== interfaceNumber) {
        interfaceNumber = batch.interface[i]!;
        linkType = this.facts.interfaces[interfaceNumber]?.linkType ?? -1;
        isSupported = isSupportedLinkType(linkType);
      }
      packet.time = time[i]!;
      packet.frame = ((batch.frame(i) - 1) % FRAMES) + 1;
      packet.interface = interfaceNumber;
      decoder.decode(packet, view, offset[i]!, captured[i]!, wire[i]!, linkType);
      if (!isFollowed(packet, rate)) {
        this.sampledOut++;
        continue;
      }
      const leg = tracker.track(packet, view);
      marks?.mark(leg);
      if (!isSupported) this.skipped.set(linkType, (this.skipped.get(linkType) ?? 0) + 1);
      ring?.add(
        index,
        interfaceNumber,
        linkType,
        packet.frame,
        packet.time,
        wire[i]!,
        leg,
        bytes,
        offset[i]!,
        captured[i]!,
      );
      if (!(packet.time <= this.newest)) this.newest = Number.isNaN(packet.time) ? this.newest : packet.time;
    }
  }

  /** Legs that packets came of since it was asked last; none the first time, since they are noted from then on. */
  takeMarked(): number[] {
    this.marks ??= new LegMarks();
    return this.marks.take();
  }

  /** Names of the tracker's observation points. */
  get pointNames(): string[] {
    const { name, kind, interfaces } = this.facts;
    return this.tracker.points.list.map((point) => {
      const interfaceName = interfaces[point.interface]?.name ?? null;
      if (kind === "interface" && interfaceName !== null) return `${name}:${interfaceName}`;
      return observationPoint(name, interfaceName, point.interfaceIndex || undefined);
    });
  }

  /** As joining and diagnosis read it: over the tracker itself, not a copy. */
  capture(): TrackedCapture {
    const { totals, points } = this.tracker;
    const times = points.list
      .flatMap((point) => [point.firstTime, point.lastTime])
      .filter((time) => !Number.isNaN(time));
    return {
      path: this.facts.name,
      format: this.facts.format,
      problems: this.facts.problems,
      interfaces: this.facts.interfaces,
      packets: totals.packets,
      bytes: totals.bytes,
      firstTime: times.length > 0 ? Math.min(...times) : Number.NaN,
      lastTime: times.length > 0 ? Math.max(...times) : Number.NaN,
      skippedLinkTypes: this.skipped,
      shards: [{ tracker: this.tracker, pointNames: this.pointNames }],
    };
  }
}
