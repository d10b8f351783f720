import type { Connected } from "../../path/connect.ts";
import { isInitialTtl, type Mac, sourceMac } from "../../path/macs.ts";
import { addressText } from "../../topology/address.ts";
import type { Column } from "./column.ts";
import type { GivenNodes } from "./given-nodes.ts";

/** What is known of the host of each observation point of the run. */
export interface HostFacts {
  /** MAC of its interface, null where it is not known. */
  macs: readonly (Mac | null)[];
  /** Its own addresses, as far as they were seen in use. */
  addresses: readonly ReadonlySet<string>[];
  /** MACs of backends to which balancers hand frames on, see `directMacs`. */
  direct: ReadonlySet<Mac>;
  /** What was said of nodes beforehand. */
  given: GivenNodes;
}

/**
 * Whether a node at the end of the way is the end itself: its packets have a host's initial TTL there, all pass one
 * interface (and a tunnel's), and that interface sends them, or has one neighbour only, so that it may be either.
 *
 * @param isAlone no other node was captured
 */
export function markEnd(
  { set }: Connected,
  column: Column,
  role: "client" | "backend",
  { macs, addresses, given }: HostFacts,
  isAlone: boolean,
): void {
  if (column.role !== null) return;
  const side = role === "client" ? "up" : "down";
  const isAtHome = column.legs.every((leg) => {
    const view = set.view(leg);
    return addresses[set.pointOf(leg).index]!.has(addressText(role === "client" ? view.src : view.dst));
  });
  if (isAtHome || given.isGivenAs(column.name, role)) {
    column.role = role;
    return;
  }
  const points = new Set(column.legs.map((leg) => set.pointOf(leg).index));
  const receives = (inTunnel: boolean) =>
    column.legs.some((leg) => {
      const { context, up } = set.view(leg);
      return up.packets > 0 && (context !== 0) === inTunnel;
    });
  const isTunnelEnd = role === "backend" && receives(true) && receives(false);
  if (points.size > 1 && !isTunnelEnd) return;
  let isSender = false;
  let isProven = false;
  for (const leg of column.legs) {
    const view = set.view(leg);
    const sent = view[side];
    if (view.up.copies + view.down.copies > 0) return;
    if (sent.packets === 0) continue;
    const mac = sourceMac(sent.mac);
    const own = macs[set.pointOf(leg).index] ?? null;
    if (!isInitialTtl(sent.ttl.first) || mac === 0 || (own !== null && own !== mac)) return;
    isSender = true;
    isProven ||= own === mac;
  }
  // a single point is as often a balancer's as an end's
  if (!isSender || (isAlone && !isProven)) return;
  column.role = role;
  column.isNextTo = !isProven;
}
