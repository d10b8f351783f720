import { type GivenFlow, longestPresence } from "./presence.ts";
import { type ShareStatistics, shareStatistics } from "./shares.ts";

/** New flows needed to judge, in all and for each member. */
const MIN_FLOWS = 30;
const MIN_PER_MEMBER = 10;
const MAX_P = 1e-4;
/** Where members came and went, what all flows show must at least be likely for those in between. */
const MIN_STEADY_FLOWS = 20;
const MAX_STEADY_P = 0.005;

/** Members that get uneven numbers of new flows, and the flows that show it. */
export interface Skew<Flow extends GivenFlow<unknown>> {
  members: readonly Flow["member"][];
  /** Flows of each. */
  counts: readonly number[];
  statistics: ShareStatistics;
  /** The member with the most over its share. */
  worst: Flow["member"];
  flows: readonly Flow[];
}

/**
 * Judges flows given to members; null where they are even, or too few to tell. Chance must be able to make them once
 * in ten thousand times at most, and the excess be one that somebody would act on.
 *
 * @param flows by start time
 * @param excess the largest share over the expected one that is still none
 * @param weightOf expected shares up to a factor; even where left out
 */
export function skewOf<Flow extends GivenFlow<unknown>>(
  flows: readonly Flow[],
  excess: number,
  weightOf?: (member: Flow["member"]) => number,
): Skew<Flow> | null {
  if (flows.length < MIN_FLOWS) return null;
  const { from, to, members } = longestPresence(flows);
  const steady = countsOf(
    flows.filter(({ start, member }) => start >= from && start <= to && members.has(member)),
    members,
    weightOf,
  );
  if (isUneven(steady, excess)) return steady;
  // That a member got none for a while may be for its being away, or by the same chance that makes it rare.
  const whole = countsOf(flows, new Set(flows.map(({ member }) => member)), weightOf);
  const isLikely =
    steady.statistics.total >= MIN_STEADY_FLOWS &&
    steady.statistics.pValue < MAX_STEADY_P &&
    steady.statistics.maxOverExpected >= excess &&
    steady.worst === whole.worst;
  return isLikely && isUneven(whole, excess) ? whole : null;
}

function isUneven({ statistics, members }: Skew<GivenFlow<unknown>>, excess: number): boolean {
  const { total, pValue, maxOverExpected } = statistics;
  if (members.length < 2 || total < MIN_FLOWS || total < members.length * MIN_PER_MEMBER) return false;
  return pValue < MAX_P && maxOverExpected >= excess;
}

function countsOf<Flow extends GivenFlow<unknown>>(
  flows: readonly Flow[],
  present: ReadonlySet<Flow["member"]>,
  weightOf: ((member: Flow["member"]) => number) | undefined,
): Skew<Flow> {
  const counts = new Map([...present].map((member) => [member, 0]));
  for (const { member } of flows) counts.set(member, counts.get(member)! + 1);
  const members = [...counts.keys()];
  const statistics = shareStatistics([...counts.values()], weightOf && members.map(weightOf));
  return { members, counts: [...counts.values()], statistics, worst: members[statistics.worst]!, flows };
}
