import { LEG_WORDS } from "../flow/leg-layout.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { FlowTracker } from "../flow/tracker.ts";
import type { TrackedSource } from "./tracked-source.ts";

/** Legs in one segment of a table's memory, see LegTable. */
const SEGMENT_LEGS = 4096;

/**
 * A source's capture as if nothing but some of its legs had been seen: joining them takes their time, not that of all.
 * Their records are copied and numbered anew, in the order given; all else is the tracker's own.
 */
export function captureOfLegs(source: TrackedSource, legs: readonly number[]): TrackedCapture {
  const { tracker } = source;
  const numbers = new Map(legs.map((leg, number) => [leg, number]));
  const { neighbourhood, claims, ...rest } = tracker.snapshot();
  const chosen = FlowTracker.restore({
    ...rest,
    legs: { count: legs.length, live: legs.length, segments: recordsOf(tracker, legs), slots: new Int32Array(2) },
    claims: claims.flatMap((claim) => {
      const leg = numbers.get(claim.leg);
      return leg === undefined ? [] : [{ ...claim, leg }];
    }),
    neighbourhood: {
      ...neighbourhood,
      icmpErrors: neighbourhood.icmpErrors.map((error) => ({ ...error, leg: numbers.get(error.leg) ?? -1 })),
    },
  });
  return { ...source.capture(), shards: [{ tracker: chosen, pointNames: source.pointNames }] };
}

function recordsOf({ legs: table }: FlowTracker, legs: readonly number[]): ArrayBuffer[] {
  const segments: ArrayBuffer[] = [];
  for (let first = 0; first < legs.length; first += SEGMENT_LEGS) {
    const part = legs.slice(first, first + SEGMENT_LEGS);
    const words = new Int32Array(part.length * LEG_WORDS);
    part.forEach((leg, place) => {
      const at = table.base(leg);
      words.set(table.words(leg).subarray(at, at + LEG_WORDS), place * LEG_WORDS);
    });
    segments.push(words.buffer);
  }
  return segments;
}
