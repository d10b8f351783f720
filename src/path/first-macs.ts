import { MOVE } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { destinationMac, type Mac, sourceMac } from "./macs.ts";

type FrameMacs = readonly [number, number, number];

/** Who sent a side's frames and to whom, before any of them moved. 0 where the capture has no MACs. */
export interface FrameEnds {
  source: Mac;
  destination: Mac;
  /** Both as the frame has them: 12 bytes in three words. */
  mac: FrameMacs;
}

/** The ends of a side's frames as they came to the point. */
export function firstMacs(set: LegSet, ref: LegRef, side: number): FrameEnds {
  return frameEnds(firstWords(set, ref, side, L.MAC, 0));
}

/** The ends of their copies as they left it again; 0 where there were none. */
export function firstCopyMacs(set: LegSet, ref: LegRef, side: number): FrameEnds {
  return frameEnds(firstWords(set, ref, side, L.COPY_MAC, 1));
}

function frameEnds(mac: FrameMacs): FrameEnds {
  return { source: sourceMac(mac), destination: destinationMac(mac), mac };
}

function firstWords(set: LegSet, ref: LegRef, side: number, field: number, isCopy: number): FrameMacs {
  const { tracker } = set.trackOf(ref);
  const leg = set.legOf(ref);
  const w = tracker.legs.words(leg);
  const s = tracker.legs.base(leg) + (side === 0 ? L.SIDE_0 : L.SIDE_1);
  if (w[s + L.MAC_CHANGES]! > 0) {
    for (const event of tracker.events.of(tracker.legs, leg)) {
      if (event.kind !== MOVE || event.side !== side || event.extra[3] !== isCopy) continue;
      return [event.extra[0]!, event.extra[1]!, event.extra[2]!];
    }
  }
  return [w[s + field]!, w[s + field + 1]!, w[s + field + 2]!];
}
