import type { Connected } from "../../path/connect.ts";
import type { Connection } from "../../path/connection.ts";
import type { Mac } from "../../path/macs.ts";
import { addressesByMac } from "../../path/neighbours.ts";

/**
 * MACs of the backends that share a VIP by layer-2 direct return: where a frame's destination becomes one of them, the
 * balancer hands it on. Empty for every other mode.
 */
export function directMacs({ set, endpoints, connections }: Connected, { vip, mode }: Connection): ReadonlySet<Mac> {
  const macs = new Set<Mac>();
  if (mode !== "dsr-l2") return macs;
  const backends = new Set<number>();
  for (const one of connections) {
    if (one.vip !== vip || one.mode !== mode || one.backend === null) continue;
    if (endpoints.isMac(one.backend)) {
      const [, , high, low] = endpoints.address(one.backend);
      macs.add(high * 4294967296 + (low >>> 0));
    } else {
      backends.add(endpoints.withPort(one.backend, 0));
    }
  }
  const vips = new Set(connections.map((one) => endpoints.withPort(one.vip, 0)));
  for (const [mac, address] of addressesByMac(set, endpoints, vips)) {
    if (address !== null && backends.has(address)) macs.add(mac);
  }
  return macs;
}
