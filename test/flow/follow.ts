import type { TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { LINKTYPE } from "../../fixtures/packets/link.ts";
import { openCapture } from "../../src/capture/open.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { Decoder } from "../../src/decode/decode.ts";
import { Packet } from "../../src/decode/packet.ts";
import { LegView } from "../../src/flow/leg-view.ts";
import { FlowTracker, type TrackerOptions } from "../../src/flow/tracker.ts";

/** What became of one frame of a capture. */
export interface FollowedFrame {
  /** -1 where the frame belongs to none. */
  leg: number;
  /** Side of the leg that sent it. */
  side: number;
  /** `packet.kind`. */
  kind: number;
  wireLength: number;
}

export interface FollowOptions extends Partial<TrackerOptions> {
  linkType?: number;
  /** Cuts packets to this many bytes. */
  snapLength?: number;
}

/** A tracker that has seen these packets, in the order given and without a file between. */
export function follow(packets: readonly TimedPacket[], options: FollowOptions = {}): FlowTracker {
  const { linkType = LINKTYPE.ethernet, snapLength = Number.POSITIVE_INFINITY, maxLegs } = options;
  const tracker = maxLegs === undefined ? new FlowTracker() : new FlowTracker({ maxLegs });
  const decoder = new Decoder();
  const packet = new Packet();
  packets.forEach(({ bytes, timeSeconds, wireBytes, interface: interfaceNumber = 0 }, index) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packet.time = Math.round(timeSeconds * 1e9);
    packet.frame = index + 1;
    packet.interface = interfaceNumber;
    const captured = Math.min(bytes.length, snapLength);
    decoder.decode(packet, view, 0, captured, wireBytes ?? bytes.length, linkType);
    tracker.track(packet, view);
  });
  return tracker;
}

/** A view for each leg of a tracker, to be kept side by side. */
export function legsOf(tracker: FlowTracker): LegView[] {
  const legs: LegView[] = [];
  for (let leg = 0; leg < tracker.legs.count; leg++) {
    if (tracker.legs.has(leg)) legs.push(new LegView(tracker).at(leg));
  }
  return legs;
}

/** The only leg of these packets. */
export function onlyLeg(packets: readonly TimedPacket[], options?: FollowOptions): LegView {
  const legs = legsOf(follow(packets, options));
  if (legs.length !== 1) throw new Error(`${legs.length} legs where one was expected`);
  return legs[0] as LegView;
}

/** Reads and tracks a capture, and notes of each frame where it went; frame n is at index n - 1. */
export async function followCapture(path: string): Promise<{ tracker: FlowTracker; frames: FollowedFrame[] }> {
  const reader = await openCapture(path, { timeBase: new TimeBase() });
  const tracker = new FlowTracker();
  const view = new LegView(tracker);
  const decoder = new Decoder();
  const packet = new Packet();
  const frames: FollowedFrame[] = [];
  try {
    for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
      for (let i = 0; i < batch.count; i++) {
        const [offset = 0, captured = 0, wire = 0] = [batch.offset[i], batch.captured[i], batch.wire[i]];
        packet.time = batch.time[i] ?? Number.NaN;
        packet.frame = batch.firstFrame + i;
        packet.interface = batch.interface[i] ?? 0;
        const linkType = reader.interfaces[packet.interface]?.linkType ?? -1;
        decoder.decode(packet, batch.view, offset, captured, wire, linkType);
        const leg = tracker.track(packet, batch.view);
        const side = leg < 0 || isFromOpener(view.at(leg), packet) ? 0 : 1;
        frames[packet.frame - 1] = { leg, side, kind: packet.kind, wireLength: wire };
      }
    }
  } finally {
    await reader.close();
  }
  return { tracker, frames };
}

function isFromOpener(leg: LegView, p: Packet): boolean {
  const [a, b, c, d] = leg.src;
  return leg.srcPort === p.srcPort && a === p.src0 && b === p.src1 && c === p.src2 && d === p.src3;
}
