import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { type CaptureClock, estimateClocks } from "./clocks.ts";
import type { Connection, Hop } from "./connection.ts";
import { groupDatagrams } from "./datagrams.ts";
import { answeringNeighbour } from "./direct-return.ts";
import { EndpointTable } from "./endpoints.ts";
import { LegSet } from "./leg-set.ts";
import { macHigh, macLow } from "./macs.ts";
import { nameMacs } from "./neighbours.ts";
import { LegOrder } from "./order.ts";
import { joinProxied } from "./proxies.ts";
import { type Route, routeOf } from "./route.ts";
import { groupSessions } from "./sessions.ts";

/** All connections of a run, with what they refer to. */
export interface Connected {
  set: LegSet;
  endpoints: EndpointTable;
  clocks: CaptureClock[];
  order: LegOrder;
  /** By start time; `connections[17].id` is 17. */
  connections: Connection[];
}

/**
 * Joins the legs of a run into connections from client to backend.
 *
 * Sessions first (what NAT, DSR and tunnels pass on), then the pairs of sessions that a terminating proxy made of one
 * connection. A connection whose backend nothing shows keeps `backend: null`.
 */
export function connect(captures: readonly TrackedCapture[]): Connected {
  const set = new LegSet(captures);
  const endpoints = new EndpointTable();
  const tcp = groupSessions(set);
  const udp = groupDatagrams(set);
  const clocks = estimateClocks(set, [...tcp, ...udp]);
  const order = new LegOrder(set, clocks);
  const routes: Route[] = [];
  for (const session of tcp) routes.push(routeOf(set, endpoints, order, session, "both-isn"));
  for (const session of udp) routes.push(routeOf(set, endpoints, order, session, "datagram"));
  learnFromOthers(routes);
  settleDirectReturns(set, endpoints, routes);
  const connections = joinProxied(set, endpoints, order, routes);
  connections.sort((a, b) => a.start - b.start);
  connections.forEach((connection, id) => {
    connection.id = id;
  });
  nameMacs(set, endpoints, connections);
  return { set, endpoints, clocks, order, connections };
}

/**
 * A destination that other sessions show to be a VIP or a backend is one here too. A session seen only behind the
 * load balancer leads to its backend; one to a VIP whose second half nobody captured keeps `backend: null`.
 */
function learnFromOthers(routes: readonly Route[]): void {
  const backends = new Map<number, { mode: Hop; count: number }>();
  const vips = new Set<number>();
  for (const route of routes) {
    if (route.backend === null || route.mode === null) continue;
    vips.add(route.vip);
    const known = backends.get(route.backend);
    if (known) known.count++;
    else backends.set(route.backend, { mode: route.mode, count: 1 });
  }
  for (const route of routes) {
    if (route.backend !== null || route.direct !== null || vips.has(route.vip)) continue;
    if (!backends.has(route.vip)) continue;
    route.backend = route.vip;
    route.mode = "forward";
    route.confidence = 0.9;
    route.keys.push("known-backend");
  }
}

/**
 * Direct returns that only the answer's MAC shows need a second backend of the same VIP: a single one may be the
 * host itself behind an asymmetric route.
 */
function settleDirectReturns(set: LegSet, endpoints: EndpointTable, routes: readonly Route[]): void {
  const macsOf = new Map<number, Set<number>>();
  const seenVips = new Set<number>();
  for (const { direct, vip } of routes) {
    if (direct?.kind !== "mac") continue;
    if (direct.isSeen) seenVips.add(vip);
    const macs = macsOf.get(vip);
    if (macs) macs.add(direct.backend);
    else macsOf.set(vip, new Set([direct.backend]));
  }
  for (const route of routes) {
    const { direct, vip } = route;
    if (direct === null) continue;
    if (direct.kind === "tunnel") {
      route.mode = "dsr-tunnel";
      route.backend = endpoints.ofWords(direct.backend, endpoints.port(vip));
      route.confidence = 0.98;
      route.keys.push("tunnel");
      continue;
    }
    if (!direct.isSeen && !seenVips.has(vip) && (macsOf.get(vip)?.size ?? 0) < 2) continue;
    route.mode = "dsr-l2";
    route.backend = endpoints.ofMac(macHigh(direct.backend), macLow(direct.backend));
    route.confidence = direct.isSeen ? 0.97 : 0.8;
    route.keys.push("mac");
  }
  fillFromKnownMacs(set, endpoints, routes, macsOf, seenVips);
}

/** Sessions of a direct-return VIP that bypassed the balancer: the known backend that answered. */
function fillFromKnownMacs(
  set: LegSet,
  endpoints: EndpointTable,
  routes: readonly Route[],
  macsOf: ReadonlyMap<number, ReadonlySet<number>>,
  seenVips: ReadonlySet<number>,
): void {
  for (const route of routes) {
    if (route.backend !== null || route.mode !== null || !seenVips.has(route.vip)) continue;
    const mac = answeringNeighbour(set, route.legs);
    if (mac === 0 || !macsOf.get(route.vip)?.has(mac)) continue;
    route.mode = "dsr-l2";
    route.backend = endpoints.ofMac(macHigh(mac), macLow(mac));
    route.confidence = 0.9;
    route.keys.push("mac");
  }
}
