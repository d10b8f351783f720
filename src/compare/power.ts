import { compareProportions } from "../balance/two-samples.ts";
import { ALPHA } from "./limits.ts";

/**
 * The smallest part of so many connections whose failing would have been called a change, beside what failed before;
 * null where not even all of them would. Silence means little where this is large.
 *
 * @param tests how many tests are made in all
 */
export function leastFailures(
  before: { events: number; trials: number },
  trials: number,
  tests: number,
): number | null {
  const isCalled = (events: number) =>
    compareProportions(before, { events, trials }).pValue * Math.max(1, tests) < ALPHA;
  let low = Math.ceil((before.events / before.trials) * trials);
  let high = trials;
  if (!(low < high) || !isCalled(high)) return null;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isCalled(middle)) high = middle;
    else low = middle + 1;
  }
  return low / trials;
}
