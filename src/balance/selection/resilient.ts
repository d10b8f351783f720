import { type LinuxMultipathOptions, linuxMultipathHash, linuxMultipathSteps } from "./linux-multipath.ts";
import { newResilientTable } from "./resilient-table.ts";
import type { FlowKey, SelectionMethod } from "./selection.ts";
import { backendStep, step } from "./step-text.ts";

export interface ResilientOptions extends LinuxMultipathOptions {
  /** `buckets` of `ip nexthop add … type resilient`. */
  buckets: number;
}

const MOST_BUCKETS = 65_535;

/**
 * Linux' resilient next-hop groups, as a new group's buckets lie. How they move when members change, which is what
 * such groups are for, is in resilient-table.ts: it depends on which buckets see packets.
 */
export const resilient: SelectionMethod<ResilientOptions> = {
  id: "resilient",
  summary: "Linux resilient next-hop group, newly made: addresses, with policy 1 the 5-tuple",
  defaults: { policy: 0, seed: 0, buckets: 128 },
  build: (backends, options = {}) => {
    const own = { ...resilient.defaults, ...options };
    if (!Number.isInteger(own.buckets) || own.buckets < 1 || own.buckets > MOST_BUCKETS) {
      throw new RangeError(`buckets ${own.buckets}: the kernel takes 1 to ${MOST_BUCKETS}`);
    }
    const hash = linuxMultipathHash(own);
    const members = backends.map(({ name, weight }) => ({ id: name, weight }));
    const buckets = members.some(({ weight }) => weight > 0)
      ? newResilientTable(members, own.buckets).buckets
      : new Int32Array(own.buckets).fill(-1);
    const slot = (key: FlowKey): number => hash(key) % buckets.length;
    return {
      select: (key) => buckets[slot(key)]!,
      explain: (key) => {
        const backend = buckets[slot(key)]!;
        const steps = linuxMultipathSteps(key, own, hash(key));
        steps.push(step("slot", `bucket ${slot(key)} of ${buckets.length}`), backendStep(backends, backend));
        return { backend, steps };
      },
    };
  },
};
