import type { Connection, Hop } from "./connection.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";
import { type NamedClient, type Pair, ProxyMatcher } from "./proxy-matcher.ts";

/** Joins sessions across terminating proxies, and says which sessions a proxy opened for nobody but itself. */
export function joinProxied(
  set: LegSet,
  endpoints: EndpointTable,
  order: LegOrder,
  routes: readonly Connection[],
): Connection[] {
  const { pairs, claims, balancerAddresses } = new ProxyMatcher(set, endpoints, order, routes).match();
  if (pairs.length === 0 && claims.size === 0) return [...routes];
  const pairOf = new Map(pairs.map((pair) => [pair.front, pair]));
  const backs = new Set(pairs.map((pair) => pair.back));
  const connections: Connection[] = [];
  for (const route of routes) {
    if (backs.has(route)) continue;
    const pair = pairOf.get(route);
    if (pair) {
      connections.push(proxied(pair, pairOf));
      continue;
    }
    const claim = claims.get(route);
    if (claim) nameClient(route, claim);
    else if (balancerAddresses.has(endpoints.withPort(route.client, 0))) route.role = "balancer";
    connections.push(route);
  }
  return connections;
}

/** One connection of a client's session and what it was relayed to, through one proxy or several. */
function proxied({ front, back, confidence, key }: Pair, pairOf: ReadonlyMap<Connection, Pair>): Connection {
  const next = pairOf.get(back);
  const behind = next ? proxied(next, pairOf) : back;
  return {
    ...front,
    backend: behind.backend ?? behind.vip,
    mode: "proxy",
    legs: [...front.legs, ...behind.legs],
    hops: [...front.hops, ...behind.hops.map((hop, i): Hop => (i === 0 ? "proxy" : hop))],
    back: behind.back,
    joinConfidence: Math.min(confidence, behind.backend === null ? 1 : behind.joinConfidence),
    joinKeys: [key, ...behind.joinKeys],
    end: Math.max(front.end, behind.end),
  };
}

/** The client's own session was not captured: what the balancer says of it stands for it. */
function nameClient(connection: Connection, { client, vip, isToa }: NamedClient): void {
  connection.client = client;
  if (connection.backend === null) {
    connection.backend = connection.vip;
    connection.joinConfidence = 0.95;
  }
  if (vip !== null) connection.vip = vip;
  connection.mode ??= isToa ? "fullnat" : "proxy";
  connection.joinKeys = [...connection.joinKeys, isToa ? "toa" : "proxy-header"];
}
