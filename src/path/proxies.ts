import { TCP } from "../decode/packet.ts";
import type { Connection, Hop, JoinKey } from "./connection.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";
import { ProxySession } from "./proxy-session.ts";
import type { Route } from "./route.ts";

/** A client's session and the one that a terminating proxy opened for it. */
interface Pair {
  front: ProxySession;
  back: ProxySession;
  confidence: number;
  key: JoinKey;
}

/** Sessions of equal first payload looked at on each side of one, in order of time. */
const NEIGHBOURS = 24;
/** A proxy opens its side this soon after the client's SYN or data where neither payload nor header tells. */
const ORDER_WINDOW_NS = 250e6;

/**
 * Joins sessions across terminating proxies and makes connections of them all.
 *
 * Evidence in order: a PROXY header that names the client; the relayed bytes (first payload of each direction, sizes);
 * for VIPs that these show to be a proxy's, order and sizes alone, where only one partner fits.
 */
export function joinProxied(
  set: LegSet,
  endpoints: EndpointTable,
  order: LegOrder,
  routes: readonly Route[],
): Connection[] {
  const matcher = new ProxyMatcher(set, endpoints, order, routes);
  const pairs = matcher.match();
  const backs = new Set(pairs.map((pair) => pair.back.route));
  const frontOf = new Map(pairs.map((pair) => [pair.front.route, pair]));
  const connections: Connection[] = [];
  for (const route of routes) {
    if (backs.has(route)) continue;
    const pair = frontOf.get(route);
    const connection = pair ? proxied(pair) : plain(route);
    const address = endpoints.withPort(route.client, 0);
    if (!pair && matcher.balancerAddresses.has(address)) connection.role = "balancer";
    const claim = matcher.claims.get(route);
    if (!pair && claim) {
      connection.client = claim.client;
      if (claim.vip !== null) connection.vip = claim.vip;
      if (connection.backend === null) {
        connection.backend = route.vip;
        connection.joinConfidence = 0.95;
      }
      connection.mode ??= claim.isToa ? "fullnat" : "proxy";
      connection.joinKeys.push(claim.isToa ? "toa" : "proxy-header");
      connection.role = "client";
    }
    let end = Number.NEGATIVE_INFINITY;
    for (const ref of connection.legs) end = Math.max(end, set.view(ref).end - order.shiftOf(ref));
    connection.end = end;
    connections.push(connection);
  }
  return connections;
}

function plain(route: Route): Connection {
  return {
    id: 0,
    protocol: route.protocol,
    role: "client",
    client: route.client,
    vip: route.vip,
    backend: route.backend,
    mode: route.mode,
    legs: route.legs,
    hops: hopsOf(route),
    front: route.front,
    back: route.back,
    joinConfidence: route.confidence,
    joinKeys: [...route.keys],
    start: route.start,
    end: 0,
    healthCheck: false,
  };
}

function proxied({ front, back, confidence, key }: Pair): Connection {
  const connection = plain(front.route);
  const behind = back.route;
  return {
    ...connection,
    backend: behind.backend ?? behind.vip,
    mode: "proxy",
    legs: [...connection.legs, ...behind.legs],
    hops: [
      ...connection.hops,
      ...behind.legs.map((_, i): Hop => (i === 0 ? "proxy" : (hopsOf(behind)[i] ?? "forward"))),
    ],
    back: behind.back,
    joinConfidence: Math.min(confidence, behind.backend === null ? 1 : behind.confidence),
    joinKeys: [key, ...behind.keys],
  };
}

/** What turned each leg of a route into the next one. */
function hopsOf(route: Route): Hop[] {
  const hops: Hop[] = [];
  let before: { src: number; dst: number } | null = null;
  for (const ref of route.legs) {
    const stretch = route.stretches.find((candidate) => candidate.legs.includes(ref));
    let hop: Hop = "forward";
    if (stretch && before && stretch !== before && stretch.dst !== before.dst) {
      hop = stretch.src === before.src ? "dnat" : "fullnat";
    } else if (route.direct?.leg === ref) {
      hop = route.direct.kind === "tunnel" ? "dsr-tunnel" : "dsr-l2";
    }
    before = stretch ?? before;
    hops.push(hop);
  }
  return hops;
}

/** The client that a PROXY header or TOA option names, for a session whose client side was not captured. */
interface NamedClient {
  client: number;
  vip: number | null;
  isToa: boolean;
}

class ProxyMatcher {
  /** Addresses from which a proxy opens its sessions. */
  readonly balancerAddresses = new Set<number>();
  readonly claims = new Map<Route, NamedClient>();
  private readonly set: LegSet;
  private readonly endpoints: EndpointTable;
  private readonly sessions: ProxySession[] = [];
  private readonly pairs: Pair[] = [];
  private readonly taken = new Set<ProxySession>();

  constructor(set: LegSet, endpoints: EndpointTable, order: LegOrder, routes: readonly Route[]) {
    this.set = set;
    this.endpoints = endpoints;
    for (const route of routes) {
      if (route.protocol === TCP) this.sessions.push(new ProxySession(set, order, route));
    }
  }

  match(): Pair[] {
    this.matchHeaders();
    this.matchPayloads();
    this.matchOrder();
    return this.pairs;
  }

  private join(front: ProxySession, back: ProxySession, confidence: number, key: JoinKey): void {
    this.taken.add(front);
    this.taken.add(back);
    this.pairs.push({ front, back, confidence, key });
    this.balancerAddresses.add(this.endpoints.withPort(back.route.client, 0));
  }

  /** PROXY headers and TOA options name the client themselves. */
  private matchHeaders(): void {
    const { set, endpoints } = this;
    if (set.tracks.every((track) => track.tracker.claims.length === 0)) return;
    const byLeg = new Map<LegRef, ProxySession>();
    const byClient = new Map<number, ProxySession[]>();
    for (const session of this.sessions) {
      for (const ref of session.route.legs) byLeg.set(ref, session);
      const list = byClient.get(session.route.client);
      if (list) list.push(session);
      else byClient.set(session.route.client, [session]);
    }
    for (const track of set.tracks) {
      for (const claim of track.tracker.claims) {
        const back = byLeg.get(set.ref(track.index, claim.leg));
        if (!back || claim.client === null || claim.command !== "proxy") continue;
        const client = endpoints.ofWords(claim.client, claim.clientPort);
        if (client === back.route.client) continue;
        const isToa = claim.source === "toa";
        const vip = claim.vip && claim.vipPort ? endpoints.ofWords(claim.vip, claim.vipPort) : null;
        this.claims.set(back.route, { client, vip, isToa });
        if (isToa) continue;
        this.balancerAddresses.add(endpoints.withPort(back.route.client, 0));
        const fronts = (byClient.get(client) ?? []).filter((front) => front !== back && !this.taken.has(front));
        const front = closest(fronts, back);
        if (front && !this.taken.has(back)) this.join(front, back, 0.99, "proxy-header");
      }
    }
  }

  /** The relayed bytes: each session is compared with those of equal first payload that lie near it in time. */
  private matchPayloads(): void {
    for (const level of ["whole", 2, 1, 0] as const) {
      const buckets = new Map<number, ProxySession[]>();
      for (const session of this.sessions) {
        if (this.taken.has(session)) continue;
        const key = session.payloadKey(level);
        if (key === 0) continue;
        const bucket = buckets.get(key);
        if (bucket) bucket.push(session);
        else buckets.set(key, [session]);
      }
      for (const bucket of buckets.values()) if (bucket.length > 1) this.matchBucket(bucket);
    }
  }

  private matchBucket(bucket: ProxySession[]): void {
    bucket.sort((a, b) => a.route.start - b.route.start);
    const candidates: { front: ProxySession; back: ProxySession; score: number }[] = [];
    bucket.forEach((front, i) => {
      for (let j = Math.max(0, i - NEIGHBOURS); j <= Math.min(bucket.length - 1, i + NEIGHBOURS); j++) {
        const back = bucket[j]!;
        if (back === front) continue;
        const score = front.relayScore(back);
        if (score > 0) candidates.push({ front, back, score });
      }
    });
    candidates.sort((a, b) => b.score - a.score);
    for (const { front, back, score } of candidates) {
      if (this.taken.has(front) || this.taken.has(back)) continue;
      // Another partner that fits as well means that the bytes do not tell.
      const rivals = candidates.filter(
        (other) =>
          other.score >= score &&
          (other.front === front) !== (other.back === back) &&
          !this.taken.has(other.front) &&
          !this.taken.has(other.back),
      );
      if (rivals.length === 0) this.join(front, back, score >= 4 ? 0.97 : 0.92, "payload");
    }
  }

  /** Order, sizes and causality, between the VIPs and addresses that stronger evidence showed to be a proxy's. */
  private matchOrder(): void {
    const routesOfProxy = new Map<number, Set<number>>();
    for (const { front, back } of this.pairs) {
      const addresses = routesOfProxy.get(front.route.vip) ?? new Set();
      addresses.add(this.endpoints.withPort(back.route.client, 0));
      routesOfProxy.set(front.route.vip, addresses);
    }
    if (routesOfProxy.size === 0) return;
    const open = this.sessions.filter((session) => !this.taken.has(session));
    const backs = open
      .filter((session) => this.balancerAddresses.has(this.endpoints.withPort(session.route.client, 0)))
      .sort((a, b) => a.route.start - b.route.start);
    const fits = new Map<ProxySession, ProxySession[]>();
    const fittedBy = new Map<ProxySession, ProxySession[]>();
    for (const front of open) {
      const addresses = routesOfProxy.get(front.route.vip);
      if (!addresses) continue;
      for (const back of backs) {
        if (back.route.start > front.route.start + ORDER_WINDOW_NS + front.duration) break;
        if (!addresses.has(this.endpoints.withPort(back.route.client, 0))) continue;
        if (!front.couldHaveOpened(back, ORDER_WINDOW_NS)) continue;
        push(fits, front, back);
        push(fittedBy, back, front);
      }
    }
    for (const [front, candidates] of fits) {
      const back = candidates[0]!;
      if (candidates.length === 1 && fittedBy.get(back)?.length === 1) this.join(front, back, 0.8, "order-and-sizes");
    }
  }
}

function closest(fronts: readonly ProxySession[], back: ProxySession): ProxySession | null {
  let best: ProxySession | null = null;
  for (const front of fronts) {
    if (!best || Math.abs(front.route.start - back.route.start) < Math.abs(best.route.start - back.route.start)) {
      best = front;
    }
  }
  return best;
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
