import type { Connected } from "../path/connect.ts";
import type { LegRef } from "../path/leg-set.ts";
import { captureLossAt } from "./point-loss.ts";
import type { Sighting } from "./reset-sightings.ts";
import type { ResetVerdict } from "./reset-verdict.ts";

/** Packets of the best of captures that are lost unnoticed. */
const UNNOTICED_LOSS = 0.002;
/** That a few of many resets were lost by a capture is believed up to so many times the expected number. */
const LOSS_SLACK = 3;
/** The place alone, without any other clue, speaks for a box between where so many resets say the same. */
const MIN_PLACED = 4;

/**
 * Resets seen at one point and not at another, nearer to their sender. That says who made them, unless the capture there
 * just lost them: where most of the same kind were seen at both points, the few that were not say nothing.
 */
export class ResetAbsences {
  readonly connected: Connected;
  /** Resets seen at both of two points, by `keyOf`. */
  private readonly together = new Map<number, number>();
  private readonly absent = new Map<number, { verdict: ResetVerdict; beyond: LegRef; isUnclear: boolean }[]>();

  constructor(connected: Connected) {
    this.connected = connected;
  }

  sawTogether(sightings: readonly Sighting[]): void {
    for (const one of sightings) {
      for (const other of sightings) {
        const key = this.keyOf(one.ref, other.ref, one.event.side);
        if (one !== other) this.together.set(key, (this.together.get(key) ?? 0) + 1);
      }
    }
  }

  /** @param isUnclear nothing but the absence speaks for the author */
  missed(verdict: ResetVerdict, beyond: LegRef, isUnclear: boolean): void {
    const key = this.keyOf(verdict.ref, beyond, verdict.side);
    const list = this.absent.get(key);
    if (list) list.push({ verdict, beyond, isUnclear });
    else this.absent.set(key, [{ verdict, beyond, isUnclear }]);
  }

  /** Takes back the verdicts that lost packets explain as well, or that nothing else supports. */
  settle(): void {
    for (const [key, list] of this.absent) {
      const loss = Math.max(UNNOTICED_LOSS, ...list.map(({ beyond }) => captureLossAt(this, beyond)));
      const expected = loss * (list.length + (this.together.get(key) ?? 0));
      const isLoss = list.length <= expected * LOSS_SLACK;
      for (const { verdict, isUnclear } of list) {
        if (!isLoss && !(isUnclear && list.length < MIN_PLACED)) continue;
        verdict.by = "unknown";
        verdict.cause = verdict.cause === "refused" ? "refused" : "unknown";
        verdict.confidence = 0.3;
        verdict.clues.push(isLoss ? "the capture there may have lost it" : "nothing else says so");
      }
    }
  }

  private keyOf(at: LegRef, beyond: LegRef, side: number): number {
    const { set } = this.connected;
    return (set.pointOf(at).index * set.points.length + set.pointOf(beyond).index) * 2 + side;
  }
}
