import type { LegSet } from "./leg-set.ts";
import { destinationMac, type Mac, sourceMac } from "./macs.ts";

/** Legs looked at for each observation point. */
const LEGS_COMPARED = 5000;
/** Share of a point's frames that its own MAC is in: a bridge that does not know a MAC floods frames to all. */
const MOST = 0.7;
/** The own MAC is in more frames than that of any neighbour, unless there is only one neighbour. */
const NEARLY = 0.9;

/**
 * The MAC of the interface that each observation point watches: the one that its frames have on one side. Where a
 * point sees one neighbour only, either of the two may be it, unless another node owns one of them.
 *
 * @returns by point of the run: those that it may be
 */
export function macCandidates(set: LegSet): ReadonlySet<Mac>[] {
  const counts: Map<Mac, number>[] = set.points.map(() => new Map());
  const sides = new Int32Array(set.points.length);
  const looked = new Int32Array(set.points.length);
  for (const track of set.tracks) {
    for (const view of track.view.all()) {
      const point = track.points[view.point]!;
      if (looked[point]! >= LEGS_COMPARED) continue;
      looked[point]!++;
      for (const side of [view.up, view.down]) {
        if (side.packets === 0) continue;
        const pairs = side.copies > 0 ? [side.mac, side.copyMac] : [side.mac];
        for (const pair of pairs) {
          sides[point]!++;
          for (const mac of [sourceMac(pair), destinationMac(pair)]) {
            if (mac !== 0) counts[point]!.set(mac, (counts[point]!.get(mac) ?? 0) + 1);
          }
        }
      }
    }
  }
  const candidates = counts.map((count, point) => {
    const least = Math.max(MOST * sides[point]!, NEARLY * Math.max(0, ...count.values()));
    return new Set([...count].flatMap(([mac, times]) => (times >= least ? [mac] : [])));
  });
  settle(set, candidates);
  return candidates;
}

/** Of candidates the one that is left; null where it cannot be told. */
export function onlyOne(candidates: ReadonlySet<Mac>): Mac | null {
  return candidates.size === 1 ? [...candidates][0]! : null;
}

/** A MAC that one node owns is no other's: strikes it out until nothing changes. */
function settle(set: LegSet, candidates: readonly Set<Mac>[]): void {
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    const owners = new Map<Mac, string>();
    candidates.forEach((macs, point) => {
      if (macs.size === 1) for (const mac of macs) owners.set(mac, set.points[point]!.nodeName);
    });
    candidates.forEach((macs, point) => {
      if (macs.size < 2) return;
      for (const mac of macs) {
        const owner = owners.get(mac);
        if (owner !== undefined && owner !== set.points[point]!.nodeName) isChanged = macs.delete(mac) || isChanged;
      }
    });
  }
}
