import type { HashBackend } from "../selection/selection.ts";

/** What is done to a set of backends; names are those of its backends. */
export interface PoolChange {
  add: readonly HashBackend[];
  /** Gone at once, with every connection it has. */
  remove: readonly string[];
  /** Takes no new connections, and serves those it has. */
  drain: readonly string[];
  reweigh: readonly { name: string; weight: number }[];
}

/** A set of backends before and after a change. */
export interface ChangedPool {
  before: readonly HashBackend[];
  /** Those that stay in their order, drained ones with weight 0, then those added. */
  after: readonly HashBackend[];
  /** For each of `after` its index in `before`, -1 where it was added. */
  origins: readonly number[];
  /** Of connections, the share that no method could leave where it is: what weights say must change hands. */
  idealShare: number;
}

/** @throws RangeError where a name that is added is there already. */
export function changePool(before: readonly HashBackend[], change: PoolChange): ChangedPool {
  const after: HashBackend[] = [];
  const origins: number[] = [];
  before.forEach((backend, index) => {
    const { name } = backend;
    if (change.remove.includes(name)) return;
    const reweighed = change.reweigh.find((entry) => entry.name === name);
    const weight = change.drain.includes(name) ? 0 : (reweighed?.weight ?? backend.weight);
    after.push({ ...backend, weight });
    origins.push(index);
  });
  for (const backend of change.add) {
    if (after.some(({ name }) => name === backend.name)) throw new RangeError(`${backend.name} is there already`);
    after.push(backend);
    origins.push(-1);
  }
  return { before, after, origins, idealShare: idealShare(before, after, origins) };
}

/** The smallest part of all connections that can move from shares by the old weights to shares by the new ones. */
function idealShare(before: readonly HashBackend[], after: readonly HashBackend[], origins: readonly number[]): number {
  const [oldTotal, newTotal] = [totalWeight(before), totalWeight(after)];
  if (oldTotal === 0 || newTotal === 0) return oldTotal === 0 ? 0 : 1;
  const share = before.map(({ weight }) => weight / oldTotal);
  after.forEach(({ weight }, index) => {
    const origin = origins[index]!;
    if (origin >= 0) share[origin]! -= weight / newTotal;
  });
  return share.reduce((sum, lost) => sum + Math.max(0, lost), 0);
}

export function totalWeight(backends: readonly HashBackend[]): number {
  return backends.reduce((sum, { weight }) => sum + weight, 0);
}
