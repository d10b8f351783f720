import { legOutcome } from "../../flow/leg-outcome.ts";
import { LegView } from "../../flow/leg-view.ts";
import type { TrackedCapture } from "../../flow/tracked-capture.ts";
import { Destinations } from "./destinations.ts";
import { LegFigures } from "./leg-figures.ts";
import { OUTCOMES } from "./outcomes.ts";
import { type PointCounts, Points } from "./points.ts";
import { Resets } from "./resets.ts";
import { Talkers } from "./talkers.ts";

/** All legs of a run, counted. */
export interface Survey {
  legs: number;
  /** Conversations that were opened while the capture ran. */
  opened: number;
  /** In the order of OUTCOMES. */
  outcomes: readonly number[];
  points: readonly PointCounts[];
  destinations: Destinations;
  talkers: Talkers;
  resets: Resets;
}

/** Counts the legs of captures in one walk; nothing is kept of a single leg. */
export function surveyLegs(captures: readonly TrackedCapture[]): Survey {
  const points = new Points();
  const destinations = new Destinations(
    captures.flatMap(({ shards }) => shards).reduce((sum, { tracker }) => sum + tracker.legs.live, 0),
  );
  const talkers = new Talkers();
  const resets = new Resets();
  const figures = new LegFigures();
  const outcomes = OUTCOMES.map(() => 0);
  let legs = 0;
  let opened = 0;
  for (const { shards } of captures) {
    for (const shard of shards) {
      const pointNumbers = points.of(shard);
      const leg = new LegView(shard.tracker);
      const table = shard.tracker.legs;
      for (let number = 0; number < table.count; number++) {
        if (!table.has(number)) continue;
        figures.read(leg.at(number));
        const point = pointNumbers[figures.point]!;
        const outcome = OUTCOMES.indexOf(legOutcome(leg));
        legs++;
        if (figures.isNew) opened++;
        outcomes[outcome]!++;
        points.count(figures, point, outcome);
        const caller = talkers.count(figures, point);
        destinations.count(figures, point, caller, outcome);
        if (figures.hasReset) resets.count(leg);
      }
    }
  }
  return { legs, opened, outcomes, points: points.list, destinations, talkers, resets };
}
