/** What the members of a resilient next-hop group share (net/ipv4/nexthop.c). */
export interface ResilientMember {
  /** What tells the same member before and after a change. */
  id: string;
  weight: number;
}

/** The buckets of a group at one time. */
export interface ResilientTable {
  members: readonly ResilientMember[];
  /** Index of each bucket's member. */
  buckets: Int32Array;
  /** Since when some member has had fewer buckets than it should, in seconds; null while all have theirs. */
  unbalancedSince: number | null;
}

export interface ResilientTimers {
  /** `idle_timer`: a bucket may move after so long without a packet. */
  idleSeconds: number;
  /** `unbalanced_timer`: after so long every bucket that should move does; 0 is never. */
  unbalancedSeconds: number;
}

/** How many buckets each member should have (nh_res_group_rebalance). */
export function wantedBuckets(weights: readonly number[], buckets: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let weight = 0;
  let before = 0;
  return weights.map((own) => {
    weight += own;
    const bound = total === 0 ? 0 : Math.round((buckets * weight) / total);
    const wanted = bound - before;
    before = bound;
    return wanted;
  });
}

/** A new group's table. @throws RangeError where no member has weight */
export function newResilientTable(members: readonly ResilientMember[], buckets: number): ResilientTable {
  if (!members.some(({ weight }) => weight > 0)) throw new RangeError("a resilient group needs a member with weight");
  const empty = { members, buckets: new Int32Array(buckets).fill(-1), unbalancedSince: null };
  return upkeep(empty, { idleSeconds: 0, unbalancedSeconds: 0 }, 0, () => 0);
}

/**
 * A group's table after its members change: buckets of those that left move at once, others by and by (`upkeep`).
 * @param now seconds, on the clock of `lastUsed`
 * @param lastUsed when each bucket last had a packet since it got its member; -Infinity where it had none, which the
 *   kernel takes for idle
 */
export function changeMembers(
  table: ResilientTable,
  members: readonly ResilientMember[],
  timers: ResilientTimers,
  now: number,
  lastUsed: (bucket: number) => number,
): ResilientTable {
  if (!members.some(({ weight }) => weight > 0)) throw new RangeError("a resilient group needs a member with weight");
  const places = new Map(members.map(({ id }, index) => [id, index]));
  const buckets = table.buckets.map((old) => places.get(table.members[old]?.id ?? "") ?? -1);
  return upkeep({ members, buckets, unbalancedSince: table.unbalancedSince }, timers, now, lastUsed);
}

/** What the kernel does from time to time while a group is unbalanced: moves the buckets that may (nh_res_table_upkeep). */
export function upkeep(
  table: ResilientTable,
  timers: ResilientTimers,
  now: number,
  lastUsed: (bucket: number) => number,
): ResilientTable {
  const { members } = table;
  const buckets = table.buckets.slice();
  const wanted = wantedBuckets(
    members.map(({ weight }) => weight),
    buckets.length,
  );
  const owned = wanted.map(() => 0);
  for (const owner of buckets) if (owner >= 0) owned[owner]! += 1;
  // each goes to the head of the kernel's list, so the last member is filled first
  const lacking = wanted.map((_, index) => index).filter((index) => owned[index]! < wanted[index]!);
  lacking.reverse();
  const since = lacking.length === 0 ? null : (table.unbalancedSince ?? now);
  const isOverdue = timers.unbalancedSeconds > 0 && since !== null && now > since + timers.unbalancedSeconds;
  for (let bucket = 0; bucket < buckets.length && lacking.length > 0; bucket++) {
    const owner = buckets[bucket]!;
    if (owner >= 0) {
      if (owned[owner]! <= wanted[owner]!) continue;
      if (!isOverdue && now < lastUsed(bucket) + timers.idleSeconds) continue;
      owned[owner]! -= 1;
    }
    const to = lacking[0]!;
    buckets[bucket] = to;
    owned[to]! += 1;
    if (owned[to] === wanted[to]) lacking.shift();
  }
  return { members, buckets, unbalancedSince: lacking.length === 0 ? null : since };
}
