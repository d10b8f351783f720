import type { Analysis } from "../analysis.ts";
import { formatEndpoint } from "../format-address.ts";
import { formatCount, formatNumberOf, formatShare } from "../format-quantity.ts";
import type { Destination, DestinationAtPoint } from "../survey/destinations.ts";
import { failedOf, OPEN, OUTCOMES, REFUSED, RESET, TIMEOUT } from "../survey/outcomes.ts";
import type { PointCounts } from "../survey/points.ts";
import { joinFacts } from "./headline.ts";
import { type Page, printable, wrap } from "./page.ts";

/** How the conversations fared, first of all; what it says is counted, not concluded. */
export function verdict(analysis: Analysis, destinations: readonly Destination[], page: Page): string[] {
  const { legs, outcomes, points } = analysis.survey;
  const { paint, width } = page;
  if (legs === 0) return [`${paint.risk("!")} no TCP or UDP conversation in it`];
  const failed = failedOf(outcomes);
  const open = outcomes[OPEN] ?? 0;
  if (failed === 0) {
    const rest = open === 0 ? "all ended in order" : `${formatCount(open)} still open at the end`;
    return [`${paint.good("✓")} no leg was refused, reset or timed out: ${rest}`, ...oneWayRemark(points, page)];
  }
  const parts = [REFUSED, RESET, TIMEOUT]
    .filter((outcome) => (outcomes[outcome] ?? 0) > 0)
    .map((outcome) => `${formatCount(outcomes[outcome] ?? 0)} ${OUTCOMES[outcome]}`);
  const summary = `${formatCount(failed)} of ${formatNumberOf(legs, "leg")} did not end well: ${parts.join(", ")}`;
  const [first = "", ...more] = wrap(summary, width - 2);
  const lines = [`${paint.bad("✗")} ${paint.title(first)}`, ...more.map((line) => `  ${line}`)];
  const worst = worstOf(destinations);
  if (worst === null) return lines;
  const { destination, atPoint } = worst;
  const where = [
    `worst at ${formatEndpoint(destination.address, destination.port)}`,
    ...(points.length > 1 ? [`seen from ${printable(points[atPoint.point]?.name ?? "?")}`] : []),
    `${formatCount(failedOf(atPoint.outcomes))} of its ${formatNumberOf(atPoint.legs, "leg")} (${formatShare(failedOf(atPoint.outcomes), atPoint.legs)})`,
  ];
  return [...lines, ...joinFacts(where, width - 2).map((line) => `  ${line}`)];
}

/** What was seen one way only may have ended well or not: its outcome is half a guess. */
function oneWayRemark(points: readonly PointCounts[], page: Page): string[] {
  const oneWay = points.reduce((sum, point) => sum + point.oneWay, 0);
  if (oneWay === 0) return [];
  const remark = `${formatNumberOf(oneWay, "leg")} passed in one direction only, so that how they ended cannot be seen`;
  return wrap(remark, page.width - 2).map((line) => `  ${line}`);
}

/** Where failing weighs most, by how many legs failed and what share of all; null where none did. */
function worstOf(
  destinations: readonly Destination[],
): { destination: Destination; atPoint: DestinationAtPoint } | null {
  let worst: { destination: Destination; atPoint: DestinationAtPoint } | null = null;
  let weight = 0;
  for (const destination of destinations) {
    for (const atPoint of destination.atPoints) {
      const own = weightOf(failedOf(atPoint.outcomes), atPoint.legs);
      if (own <= weight) continue;
      weight = own;
      worst = { destination, atPoint };
    }
  }
  return worst;
}

/** How much a count is worth a look: many of few tell more than as many of a lot. */
export function weightOf(count: number, of: number): number {
  return of === 0 ? 0 : (count * count) / of;
}
