import { type LegEvent, RESET } from "../../flow/event-log.ts";
import type { LegView } from "../../flow/leg-view.ts";
import { RESET_SHAPES, type ResetShape, resetShape } from "../reset-shape.ts";

/** Legs whose first reset has one shape, by the side it came from. */
export interface ResetCounts {
  shape: ResetShape;
  fromClient: number;
  fromServer: number;
}

/** Resets by shape; a leg counts once, by its first. */
export class Resets {
  readonly byShape: readonly ResetCounts[] = RESET_SHAPES.map((shape) => ({ shape, fromClient: 0, fromServer: 0 }));
  /** Legs with a reset. */
  legs = 0;

  /** Counts a leg that has a reset. */
  count(leg: LegView): void {
    this.legs++;
    const reset = firstReset(leg);
    const shape = reset === null ? "other" : resetShape(reset);
    const side = reset?.side ?? (leg.up.resets > 0 ? 0 : 1);
    const counts = this.byShape.find((one) => one.shape === shape)!;
    if (side === 0) counts.fromClient++;
    else counts.fromServer++;
  }
}

/** The first reset of a leg, or null where it has none, or so many events before it that it was not kept. */
export function firstReset(leg: LegView): LegEvent | null {
  for (const event of leg.tracker.events.of(leg.tracker.legs, leg.leg)) if (event.kind === RESET) return event;
  return null;
}
