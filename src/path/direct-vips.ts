import type { Connection, Hop } from "./connection.ts";
import { answeringNeighbour, askedAndAnswered, type DirectReturn } from "./direct-return.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegSet } from "./leg-set.ts";
import { type Mac, macHigh, macLow } from "./macs.ts";

/** What the sessions of one VIP show together of its direct return. */
interface DirectVip {
  isProven: boolean;
  /** Endpoints that its requests were tunnelled or handed to, whichever balancer did it. */
  backends: Set<number>;
  /** The MACs that each balancer handed requests to, or past which they were answered. */
  handedTo: Map<Mac, Set<Mac>>;
}

/**
 * Gives sessions of direct-return VIPs their backend: those whose own packets show it, and the others of a VIP whose
 * sessions together show a balancer that shares them out. One backend alone may be a router's next hop, the far end of
 * a tunnel between sites, or the host itself behind an asymmetric route.
 */
export function settleDirectReturns(
  set: LegSet,
  endpoints: EndpointTable,
  connections: readonly Connection[],
  directReturns: ReadonlyMap<Connection, DirectReturn>,
): void {
  if (directReturns.size === 0) return;
  const vips = new Map<number, DirectVip>();
  for (const [{ vip }, direct] of directReturns) {
    let known = vips.get(vip);
    if (!known) {
      known = { isProven: false, backends: new Set(), handedTo: new Map() };
      vips.set(vip, known);
    }
    known.isProven ||= direct.isProven;
    known.backends.add(backendOf(endpoints, vip, direct));
    if (direct.kind !== "mac") continue;
    const targets = known.handedTo.get(direct.balancer);
    if (targets) targets.add(direct.backend);
    else known.handedTo.set(direct.balancer, new Set([direct.backend]));
  }
  withoutAnsweringBalancers(set, connections, vips);
  for (const [connection, direct] of directReturns) {
    const vip = vips.get(connection.vip)!;
    if (!direct.isProven && !vip.isProven && !isShared(vip, direct)) continue;
    const hop: Hop = direct.kind === "tunnel" ? "dsr-tunnel" : "dsr-l2";
    connection.mode = hop;
    connection.backend = backendOf(endpoints, connection.vip, direct);
    connection.joinConfidence = !direct.isProven ? 0.8 : direct.kind === "tunnel" ? 0.98 : 0.97;
    connection.joinKeys = direct.kind === "tunnel" ? ["tunnel"] : ["mac"];
    connection.hops = connection.legs.map((ref): Hop => (ref === direct.leg ? hop : "forward"));
  }
  fillFromKnownBackends(set, endpoints, connections, vips);
}

function backendOf(endpoints: EndpointTable, vip: number, direct: DirectReturn): number {
  if (direct.kind === "tunnel") return endpoints.ofWords(direct.backend, endpoints.port(vip));
  return endpoints.ofMac(macHigh(direct.backend), macLow(direct.backend));
}

function isShared(vip: DirectVip, direct: DirectReturn): boolean {
  if (direct.kind === "tunnel") return vip.backends.size > 1;
  return (vip.handedTo.get(direct.balancer)?.size ?? 0) > 1;
}

/** A host with several network cards may answer from another than was asked; a balancer never answers itself. */
function withoutAnsweringBalancers(
  set: LegSet,
  connections: readonly Connection[],
  vips: ReadonlyMap<number, DirectVip>,
): void {
  for (const { vip, legs } of connections) {
    const known = vips.get(vip);
    if (!known || known.isProven) continue;
    for (const ref of legs) {
      const neighbours = askedAndAnswered(set, ref);
      if (neighbours !== null && neighbours.asked === neighbours.answered) known.handedTo.delete(neighbours.asked);
    }
  }
}

/** Sessions of a direct-return VIP that bypassed the balancer: the known backend that answered. */
function fillFromKnownBackends(
  set: LegSet,
  endpoints: EndpointTable,
  connections: readonly Connection[],
  vips: ReadonlyMap<number, DirectVip>,
): void {
  for (const connection of connections) {
    if (connection.backend !== null) continue;
    const vip = vips.get(connection.vip);
    if (!vip?.isProven) continue;
    const mac = answeringNeighbour(set, connection.legs);
    if (mac === 0) continue;
    const backend = endpoints.ofMac(macHigh(mac), macLow(mac));
    if (!vip.backends.has(backend)) continue;
    connection.mode = "dsr-l2";
    connection.backend = backend;
    connection.joinConfidence = 0.9;
    connection.joinKeys = ["mac"];
  }
}
