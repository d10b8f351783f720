import { type LinuxMultipathOptions, linuxMultipathHash, linuxMultipathSteps } from "./linux-multipath.ts";
import type { FlowKey, HashBackend, SelectionMethod } from "./selection.ts";
import { backendStep, hex32, step } from "./step-text.ts";

/** Linux' multipath routes and next-hop groups of type mpath: the hash's 31 bits are cut into a region for each. */
export const linuxEcmp: SelectionMethod<LinuxMultipathOptions> = {
  id: "linux-ecmp",
  summary: "Linux multipath routing by hash-threshold: addresses, with policy 1 the 5-tuple",
  defaults: { policy: 0, seed: 0 },
  build: (backends, options = {}) => {
    const own = { ...linuxEcmp.defaults, ...options };
    const bounds = upperBounds(backends);
    const hash = linuxMultipathHash(own);
    const choose = (key: FlowKey): number => {
      const value = hash(key);
      for (let index = 0; index < bounds.length; index++) if (value <= bounds[index]!) return index;
      return -1;
    };
    return {
      select: choose,
      explain: (key) => {
        const value = hash(key);
        const backend = choose(key);
        const from = backend > 0 ? bounds[backend - 1]! + 1 : 0;
        const region = backend < 0 ? "none" : `${hex32(from)} to ${hex32(bounds[backend]!)}`;
        const steps = [...linuxMultipathSteps(key, own, value), step("slot", region), backendStep(backends, backend)];
        return { backend, steps };
      },
    };
  },
};

/** The last hash of each next hop's region (nh_hthr_group_rebalance). One with weight 0 has none. */
function upperBounds(backends: readonly HashBackend[]): Float64Array {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  let weight = 0;
  return Float64Array.from(backends, (backend) => {
    weight += backend.weight;
    return total === 0 ? -1 : Math.round((weight * 0x80000000) / total) - 1;
  });
}
