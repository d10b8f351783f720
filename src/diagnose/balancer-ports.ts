import * as L from "../flow/leg-layout.ts";
import type { LegRef } from "../path/leg-set.ts";
import { tupleOf } from "../path/tuples.ts";
import type { Case, VipGroup } from "./case.ts";

/** Use of a balancer's own source ports towards one backend. */
export interface PortUse {
  /** The balancer's address (port 0) and the backend, as endpoints. */
  source: number;
  backend: number;
  /** Distinct ports seen, and the range they span. */
  distinct: number;
  lowest: number;
  highest: number;
  /** Connections that had one, sorted times of their begin and end; ns on the reference clock. */
  opened: number[];
  closed: number[];
  /** When each port was first used, sorted. */
  firstUsed: number[];
}

/** Ports that the balancers of a full NAT VIP used towards each backend. */
export function portUses(subject: Case, group: VipGroup): PortUse[] {
  const { endpoints } = subject.connected;
  const uses = new Map<string, PortUse & { ports: Map<number, number> }>();
  for (const connection of group.connections) {
    const ref = backLeg(connection.hops, connection.legs);
    if (ref === null) continue;
    const view = subject.leg(ref);
    if (!view.has(L.LEG_SYN)) continue;
    const { src, dst } = tupleOf(view, endpoints);
    const port = endpoints.port(src);
    const source = endpoints.withPort(src, 0);
    const key = `${source} ${dst}`;
    let use = uses.get(key);
    if (!use) {
      const ports = new Map<number, number>();
      const empty = { opened: [], closed: [], firstUsed: [], ports };
      use = { source, backend: dst, distinct: 0, lowest: port, highest: port, ...empty };
      uses.set(key, use);
    }
    const start = subject.reference(ref, view.start);
    use.ports.set(port, Math.min(start, use.ports.get(port) ?? start));
    use.lowest = Math.min(use.lowest, port);
    use.highest = Math.max(use.highest, port);
    use.opened.push(start);
    use.closed.push(subject.reference(ref, view.end));
  }
  for (const use of uses.values()) {
    use.distinct = use.ports.size;
    use.firstUsed = [...use.ports.values()].sort((a, b) => a - b);
    use.opened.sort((a, b) => a - b);
    use.closed.sort((a, b) => a - b);
  }
  return [...uses.values()];
}

/** The first leg behind the balancer that has its address as source, null without one. */
export function backLeg(hops: readonly string[], legs: readonly LegRef[]): LegRef | null {
  const at = hops.findIndex((hop) => hop === "fullnat" || hop === "proxy");
  return at < 0 ? null : legs[at]!;
}

/** Connections that held a port at a time. */
export function openAt({ opened, closed }: PortUse, time: number): number {
  return countBefore(opened, time) - countBefore(closed, time);
}

/** How many of some sorted times lie before this one. */
export function countBefore(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
