import * as L from "../flow/leg-layout.ts";
import type { LegRef } from "../path/leg-set.ts";
import type { Case } from "./case.ts";

const cache = new WeakMap<Case, ReadonlySet<LegRef>>();

/** Legs on which a SYN was sent more than once. One pass over the records for all who ask, as there may be a million. */
export function repeatedSyns(subject: Case): ReadonlySet<LegRef> {
  let repeated = cache.get(subject);
  if (!repeated) {
    const found = new Set<LegRef>();
    const { set } = subject.connected;
    for (const track of set.tracks) {
      const { legs } = track.tracker;
      for (let leg = 0; leg < legs.count; leg++) {
        if (!legs.has(leg) || legs.words(leg)[legs.base(leg) + L.SIDE_0 + L.SYN_COUNT]! < 2) continue;
        found.add(set.ref(track.index, leg));
      }
    }
    repeated = found;
    cache.set(subject, repeated);
  }
  return repeated;
}
