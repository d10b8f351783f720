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
  /** In the order of OUTCOMES. */
  outcomes: readonly number[];
  points: readonly PointCounts[];
  destinations: Destinations;
  /** null where the survey was made without details. */
  talkers: Talkers | null;
  resets: Resets;
}

/**
 * Counts the legs of captures in one walk; nothing is kept of a single leg.
 *
 * @param withDetails who talked, and the times of destinations. Without them it takes half as long.
 */
export function surveyLegs(captures: readonly TrackedCapture[], withDetails = true): Survey {
  const points = new Points();
  const shardsOfAll = captures.flatMap(({ shards }) => shards);
  const live = shardsOfAll.reduce((sum, { tracker }) => sum + tracker.legs.live, 0);
  const destinations = new Destinations(withDetails ? live : null);
  const talkers = withDetails ? new Talkers() : null;
  const resets = new Resets();
  const figures = new LegFigures();
  const outcomes = OUTCOMES.map(() => 0);
  let legs = 0;
  for (const shard of shardsOfAll) {
    const pointNumbers = points.of(shard);
    const leg = new LegView(shard.tracker);
    const table = shard.tracker.legs;
    for (let number = 0; number < table.count; number++) {
      if (!table.has(number)) continue;
      figures.read(leg.at(number));
      const point = pointNumbers[figures.point]!;
      const outcome = OUTCOMES.indexOf(legOutcome(leg));
      legs++;
      outcomes[outcome]!++;
      points.count(figures, point, outcome);
      destinations.count(figures, point, outcome);
      talkers?.count(figures, point);
      if (figures.hasReset) resets.count(leg);
    }
  }
  return { legs, outcomes, points: points.list, destinations, talkers, resets };
}
