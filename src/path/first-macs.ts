import { MOVE } from "../flow/event-log.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

type FrameMacs = readonly [number, number, number];

/** MACs of a side's frames before any of them moved: of the packets as they came, and of their copies. */
export function firstMacs(set: LegSet, ref: LegRef, side: number): { mac: FrameMacs; copyMac: FrameMacs } {
  const track = set.trackOf(ref);
  const view = set.view(ref).side(side);
  let mac: FrameMacs | null = null;
  let copyMac: FrameMacs | null = null;
  if (view.macChanges > 0) {
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind !== MOVE || event.side !== side) continue;
      const before: FrameMacs = [event.extra[0]!, event.extra[1]!, event.extra[2]!];
      if (event.extra[3] === 1) copyMac ??= before;
      else mac ??= before;
    }
  }
  return { mac: mac ?? view.mac, copyMac: copyMac ?? view.copyMac };
}
