import type { TrackedCapture } from "../flow/tracked-capture.ts";
import { type GivenTopology, nodeNamesOf, TopologyJoin } from "./apply-topology.ts";
import { type CaptureClock, estimateClocks } from "./clocks.ts";
import type { Connection, Hop } from "./connection.ts";
import { groupDatagrams } from "./datagrams.ts";
import { settleDirectReturns } from "./direct-vips.ts";
import { EndpointTable } from "./endpoints.ts";
import { LegSet } from "./leg-set.ts";
import { nameMacs } from "./neighbours.ts";
import { LegOrder } from "./order.ts";
import { joinProxied } from "./proxies.ts";
import { RouteReader } from "./route.ts";
import { groupSessions } from "./sessions.ts";

/** All connections of a run, with what they refer to. */
export interface Connected {
  set: LegSet;
  endpoints: EndpointTable;
  clocks: CaptureClock[];
  order: LegOrder;
  /** By start time; `connections[17].id` is 17. */
  connections: Connection[];
  /** Where what was given of the set-up and the packets do not agree, a sentence each. */
  contradictions: readonly string[];
}

/**
 * Joins the legs of a run into connections from client to backend.
 *
 * Sessions first (what NAT, DSR and tunnels pass on), then the pairs of sessions that a terminating proxy made of one
 * connection. A connection whose backend nothing shows keeps `backend: null`.
 *
 * @param given the set-up and the balancers' own tables; they complete what packets do not show, and change nothing
 */
export function connect(captures: readonly TrackedCapture[], given: GivenTopology | null = null): Connected {
  const set = new LegSet(captures, nodeNamesOf(given));
  const endpoints = new EndpointTable();
  const tcp = groupSessions(set, endpoints);
  // TCP ties clocks to each other without looking at them; only with them set right, datagrams can be compared.
  const tcpClocks = estimateClocks(set, tcp);
  const udp = groupDatagrams(set, endpoints, tcpClocks);
  const clocks = udp.length === 0 ? tcpClocks : estimateClocks(set, [...tcp, ...udp]);
  const order = new LegOrder(set, clocks);
  const reader = new RouteReader(set, endpoints, order);
  let routes: Connection[] = [];
  for (const session of tcp) routes.push(reader.read(session));
  for (const session of udp) routes.push(reader.read(session));
  reader.decide(routes);
  settleDirectReturns(set, endpoints, routes, reader.directReturns);
  const topologyJoin = given === null ? null : new TopologyJoin(endpoints, given);
  if (topologyJoin) routes = topologyJoin.join(routes);
  learnFromOthers(endpoints, routes);
  const connections = joinProxied(set, endpoints, order, routes);
  connections.sort((a, b) => a.start - b.start);
  connections.forEach((connection, id) => {
    connection.id = id;
  });
  nameMacs(set, endpoints, connections);
  topologyJoin?.nameMacs(connections);
  return { set, endpoints, clocks, order, connections, contradictions: topologyJoin?.problems ?? [] };
}

/**
 * A destination that other sessions show to be a VIP or a backend is one here too. A session seen only behind the
 * load balancer leads to its backend; one to a VIP whose second half nobody captured keeps `backend: null`.
 */
function learnFromOthers(endpoints: EndpointTable, routes: readonly Connection[]): void {
  const isVip = new Uint8Array(endpoints.count);
  const isBackend = new Uint8Array(endpoints.count);
  let knowsAny = false;
  for (const { backend, vip } of routes) {
    if (backend === null) continue;
    knowsAny = true;
    isVip[vip] = 1;
    isBackend[backend] = 1;
  }
  if (!knowsAny) return;
  const forwarded: Hop = "forward";
  for (const route of routes) {
    if (route.backend !== null || isVip[route.vip] === 1 || isBackend[route.vip] !== 1) continue;
    route.backend = route.vip;
    route.mode = forwarded;
    route.joinConfidence = 0.9;
    route.joinKeys = ["known-backend"];
  }
}
