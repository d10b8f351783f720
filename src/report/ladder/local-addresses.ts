import type { AddressWords } from "../../flow/leg-view.ts";
import type { LegSet } from "../../path/leg-set.ts";
import { isInitialTtl, type Mac, sourceMac } from "../../path/macs.ts";
import { addressText } from "../../topology/address.ts";

/** Legs looked at for each observation point. */
const LEGS_COMPARED = 5000;

/**
 * Addresses that the host of each observation point has itself: what its interface sends with a host's initial TTL.
 *
 * @param macs own MAC of each point, null where it is not known: then nothing can be told
 * @returns by point of the run
 */
export function localAddresses(set: LegSet, macs: readonly (Mac | null)[]): ReadonlySet<string>[] {
  const addresses = set.points.map(() => new Set<string>());
  const looked = new Int32Array(set.points.length);
  for (const track of set.tracks) {
    for (const view of track.view.all()) {
      const point = track.points[view.point]!;
      const own = macs[point];
      if (own === null || own === undefined || looked[point]! >= LEGS_COMPARED) continue;
      looked[point]!++;
      const learn = (side: typeof view.up, words: AddressWords) => {
        if (side.packets > 0 && sourceMac(side.mac) === own && isInitialTtl(side.ttl.first)) {
          addresses[point]!.add(addressText(words));
        }
      };
      learn(view.up, view.src);
      learn(view.down, view.dst);
    }
  }
  return addresses;
}
