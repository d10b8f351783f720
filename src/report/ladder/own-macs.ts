import type { LegSet } from "../../path/leg-set.ts";
import { destinationMac, type Mac, sourceMac } from "../../path/macs.ts";

/** Legs looked at for each observation point. */
const LEGS_COMPARED = 5000;

/**
 * The MAC of the interface that each observation point watches: the one that every frame has on one side. Where a
 * point sees one neighbour only, either of the two may be it, unless another point owns one of them.
 *
 * @returns by point of the run; null where it cannot be told
 */
export function ownMacs(set: LegSet): (Mac | null)[] {
  const candidates: (Set<Mac> | null)[] = set.points.map(() => null);
  const looked = new Int32Array(set.points.length);
  for (const track of set.tracks) {
    for (const view of track.view.all()) {
      const point = track.points[view.point]!;
      if (looked[point]! >= LEGS_COMPARED) continue;
      looked[point]!++;
      for (const side of [view.up, view.down]) {
        if (side.packets === 0) continue;
        const pair = [sourceMac(side.mac), destinationMac(side.mac)].filter((mac) => mac !== 0);
        const known = candidates[point];
        if (known) for (const mac of known) if (!pair.includes(mac)) known.delete(mac);
        candidates[point] ??= new Set(pair);
      }
    }
  }
  return settle(candidates);
}

/** A MAC that one point owns is no other's: strikes it out until nothing changes. */
function settle(candidates: readonly (Set<Mac> | null)[]): (Mac | null)[] {
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    const owned = new Set(candidates.flatMap((macs) => (macs?.size === 1 ? [...macs] : [])));
    for (const macs of candidates) {
      if (macs === null || macs.size < 2) continue;
      for (const mac of macs) if (owned.has(mac)) isChanged = macs.delete(mac) || isChanged;
    }
  }
  return candidates.map((macs) => (macs?.size === 1 ? [...macs][0]! : null));
}
