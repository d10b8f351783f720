import { designEffectOfShares } from "./clusters.ts";
import { chiSquareTail } from "./statistics.ts";
import { holm } from "./two-samples.ts";

/** A new flow: which router it was given to, and which member that router gave it to. */
export interface TwoChoices {
  router: string;
  member: string;
  /** Whose flow it is: a hash may look at nothing else. */
  client: number;
  start: number;
}

/** How a router's choices differ from what all routers of its tier choose. */
export interface RouterChoices {
  router: string;
  flows: number;
  /** Members that it never, or hardly ever, gives a flow, although others do; those that miss most first. */
  idle: readonly string[];
  /** Share of its flows that these would have got if the choices of both tiers were independent. */
  idleShare: number;
  /** Cramér's V of this router and the others against the members: 0 is independent, 1 decided by it. */
  cramersV: number;
  /** Chance of it with independent choices, as one of as many tests as there are routers (Holm). */
  pValue: number;
}

/** Flows that a router must have been given to be judged, and a member to be one. */
const MIN_ROUTER_FLOWS = 20;
const MIN_MEMBER_FLOWS = 5;
/** A member that gets less than this of what it should is idle. */
const IDLE = 0.1;
/** Times within which both choices are counted, and flows in each: members and routers come and go. */
const MAX_SLICES = 8;
const MIN_SLICE_FLOWS = 20;
/** A client that keeps to one member with this share of its flows is one draw. */
const KEEPS = 0.95;

/**
 * Holds each router's choices against those of the others, where independent choices would make them alike whatever
 * the weights of the members are. Counts are worth as much as the clients behind them are: few addresses, hashed by
 * address, are few draws.
 *
 * @param flows in any order
 * @returns routers with flows enough, in the order of their names; none where fewer than two have
 */
export function routerChoices(flows: readonly TwoChoices[]): RouterChoices[] {
  const ofMember = counted(flows.map(({ member }) => member));
  const known = flows.filter(({ member }) => ofMember.get(member)! >= MIN_MEMBER_FLOWS);
  const ofRouter = counted(known.map(({ router }) => router));
  const judged = known.filter(({ router }) => ofRouter.get(router)! >= MIN_ROUTER_FLOWS);
  const routers = [...new Set(judged.map(({ router }) => router))].sort();
  const members = [...new Set(judged.map(({ member }) => member))].sort();
  if (routers.length < 2 || members.length < 2) return [];
  const slices = slicesOf(judged);
  const effects = new Map(
    routers.map((router) => [
      router,
      designEffect(
        judged.filter((flow) => flow.router === router),
        members,
      ),
    ]),
  );
  const effect = Math.max(...effects.values());
  const drafts = routers.map((router) => againstOthers(router, members, slices, effect));
  const adjusted = holm(drafts.map(({ pValue }) => pValue));
  return drafts.map((draft, i) => ({ ...draft, pValue: adjusted[i]! }));
}

function againstOthers(
  router: string,
  members: readonly string[],
  slices: readonly (readonly TwoChoices[])[],
  effect: number,
): RouterChoices {
  const own = new Map(members.map((member) => [member, 0]));
  const all = new Map(members.map((member) => [member, 0]));
  const expected = new Map(members.map((member) => [member, 0]));
  let flows = 0;
  let total = 0;
  for (const slice of slices) {
    const given = slice.filter((flow) => flow.router === router);
    const ofMember = counted(slice.map(({ member }) => member));
    for (const { member } of given) own.set(member, own.get(member)! + 1);
    for (const [member, count] of ofMember) {
      all.set(member, all.get(member)! + count);
      expected.set(member, expected.get(member)! + (count * given.length) / slice.length);
    }
    flows += given.length;
    total += slice.length;
  }
  let statistic = 0;
  let degrees = -1;
  for (const member of members) {
    const e = expected.get(member)!;
    const rest = all.get(member)! - e;
    if (e <= 0 || rest <= 0) continue;
    degrees++;
    statistic += (own.get(member)! - e) ** 2 * (1 / e + 1 / rest);
  }
  const missing = members
    .filter((member) => own.get(member)! < expected.get(member)! * IDLE)
    .sort((a, b) => expected.get(b)! - expected.get(a)!);
  return {
    router,
    flows,
    idle: missing,
    idleShare: missing.reduce((sum, member) => sum + expected.get(member)!, 0) / Math.max(1, flows),
    cramersV: Math.sqrt(statistic / Math.max(1, total)),
    pValue: chiSquareTail(statistic / effect, degrees),
  };
}

/** Equal numbers of flows, one after another in time. */
function slicesOf(flows: readonly TwoChoices[]): TwoChoices[][] {
  const sorted = flows.toSorted((a, b) => a.start - b.start);
  const count = Math.min(MAX_SLICES, Math.max(1, Math.floor(sorted.length / MIN_SLICE_FLOWS)));
  const edge = (i: number) => Math.round((i * sorted.length) / count);
  return Array.from({ length: count }, (_, i) => sorted.slice(edge(i), edge(i + 1)));
}

/**
 * How many flows of one router say as much as one drawn alone: estimated from its clients where they differ enough to
 * tell, and at least what it is if each client that keeps to one member is a single draw.
 */
function designEffect(flows: readonly TwoChoices[], members: readonly string[]): number {
  const clients = new Map<number, number[]>();
  for (const { client, member } of flows) {
    let counts = clients.get(client);
    if (!counts) {
      counts = members.map(() => 0);
      clients.set(client, counts);
    }
    counts[members.indexOf(member)]!++;
  }
  let draws = 0;
  for (const counts of clients.values()) {
    const sum = counts.reduce((total, count) => total + count, 0);
    draws += Math.max(...counts) >= sum * KEEPS ? 1 : sum;
  }
  const estimated = designEffectOfShares([...clients.values()], members.length);
  return Math.max(1, flows.length / draws, Number.isNaN(estimated) ? 1 : estimated);
}

function counted(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
