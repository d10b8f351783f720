import { TCP } from "../decode/packet.ts";
import type { Connection, JoinKey } from "./connection.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";
import { PAYLOAD_LEVELS, payloadBuckets } from "./payload-buckets.ts";
import { matchLookalikes } from "./proxy-lookalikes.ts";
import { isWhole, ProxySession, payloadLegOf } from "./proxy-session.ts";

/** A client's session and the one that a terminating proxy opened for it. */
export interface Pair {
  front: Connection;
  back: Connection;
  confidence: number;
  key: JoinKey;
}

/** The client that a PROXY header or TOA option names, for a session whose client side was not captured. */
export interface NamedClient {
  client: number;
  vip: number | null;
  isToa: boolean;
}

/** A proxy opens its side this soon after the client's SYN or data where neither payload nor header tells. */
const ORDER_WINDOW_NS = 250e6;
/** Share of sessions that may lack packets where sizes alone shall tell. */
const MOST_LACKING = 0.02;
/** VIPs with fewer connections do not show whether their clients always send the same. */
const TELLING_CONNECTIONS = 3;
/** A session begins before the one that it is relayed to, but for the jitter of two taps. */
const BEFORE_HEADER_NS = 1e6;

/**
 * Finds the pairs of sessions that terminating proxies made of one connection. Evidence in order: a PROXY header that
 * names the client; the relayed bytes (first payload of each direction, sizes); for VIPs that these show to be a
 * proxy's, order and sizes alone, where only one partner fits.
 */
export class ProxyMatcher {
  readonly pairs: Pair[] = [];
  readonly claims: Map<Connection, NamedClient> = new Map();
  /** Addresses from which a proxy opens its sessions. */
  readonly balancerAddresses: Set<number> = new Set();
  private readonly set: LegSet;
  private readonly endpoints: EndpointTable;
  private readonly order: LegOrder;
  /** TCP connections; what follows is by position among them. */
  private readonly connections: Connection[];
  private readonly clientAddress: Int32Array;
  private readonly vipAddress: Int32Array;
  /** 1 for sessions that may end at a proxy: their backend is not known, or opens sessions of its own. */
  private readonly mayRelay: Uint8Array;
  /** 1 for those whose partner was found: as the client's side, as the backend's. */
  private readonly hasBack: Uint8Array;
  private readonly hasFront: Uint8Array;
  /** Connections that lack packets; null until asked for. */
  private lacking: number | null = null;
  private readonly sessions = new Map<number, ProxySession>();

  constructor(set: LegSet, endpoints: EndpointTable, order: LegOrder, routes: readonly Connection[]) {
    this.set = set;
    this.endpoints = endpoints;
    this.order = order;
    this.connections = routes.filter(({ protocol }) => protocol === TCP);
    const count = this.connections.length;
    this.clientAddress = new Int32Array(count);
    this.vipAddress = new Int32Array(count);
    this.mayRelay = new Uint8Array(count);
    this.hasBack = new Uint8Array(count);
    this.hasFront = new Uint8Array(count);
    const opens = new Set<number>();
    this.connections.forEach(({ client, vip, backend }, position) => {
      this.clientAddress[position] = endpoints.withPort(client, 0);
      this.vipAddress[position] = endpoints.withPort(backend ?? vip, 0);
      opens.add(this.clientAddress[position]!);
    });
    this.connections.forEach(({ backend, mode }, position) => {
      const isOpen = backend === null || mode === "dsr-l2" || mode === "dsr-tunnel";
      if (isOpen || opens.has(this.vipAddress[position]!)) this.mayRelay[position] = 1;
    });
  }

  match(): this {
    this.matchHeaders();
    if (!this.mayRelay.includes(1)) return this;
    this.matchPayloads();
    this.matchOrder();
    return this;
  }

  private session(position: number): ProxySession {
    let session = this.sessions.get(position);
    if (!session) {
      const [client, vip] = [this.clientAddress[position]!, this.vipAddress[position]!];
      session = new ProxySession(this.set, this.order, this.connections[position]!, client, vip);
      this.sessions.set(position, session);
    }
    return session;
  }

  private join(front: number, back: number, confidence: number, key: JoinKey): void {
    this.hasBack[front] = 1;
    this.hasFront[back] = 1;
    this.pairs.push({ front: this.connections[front]!, back: this.connections[back]!, confidence, key });
    this.balancerAddresses.add(this.clientAddress[back]!);
  }

  /** PROXY headers and TOA options name the client themselves. */
  private matchHeaders(): void {
    const { set, endpoints } = this;
    if (set.tracks.every((track) => track.tracker.claims.length === 0)) return;
    const byLeg = new Map<LegRef, number>();
    const byClient = new Map<number, number[]>();
    this.connections.forEach(({ legs, client }, position) => {
      for (const ref of legs) byLeg.set(ref, position);
      const list = byClient.get(client);
      if (list) list.push(position);
      else byClient.set(client, [position]);
    });
    for (const track of set.tracks) {
      for (const claim of track.tracker.claims) {
        const back = byLeg.get(set.ref(track.index, claim.leg));
        if (back === undefined || claim.client === null || claim.command !== "proxy") continue;
        const client = endpoints.ofWords(claim.client, claim.clientPort);
        if (client === this.connections[back]!.client) continue;
        const isToa = claim.source === "toa";
        const vip = claim.vip && claim.vipPort ? endpoints.ofWords(claim.vip, claim.vipPort) : null;
        this.claims.set(this.connections[back]!, { client, vip, isToa });
        if (isToa) continue;
        this.balancerAddresses.add(this.clientAddress[back]!);
        if (this.hasFront[back] === 1) continue;
        const front = this.named(byClient.get(client) ?? [], back, vip);
        if (front !== null) this.join(front, back, 0.99, "proxy-header");
      }
    }
  }

  /** Of the lives of the client's port the one that the header was sent for: the last before it, to the same VIP. */
  private named(lives: readonly number[], back: number, vip: number | null): number | null {
    const relayed = this.session(back);
    let open = lives.filter((front) => front !== back && this.hasBack[front] === 0);
    const toVip = open.filter((front) => this.connections[front]!.vip === vip);
    if (toVip.length > 0) open = toVip;
    if (open.length === 1 && !this.session(open[0]!).isComparable(relayed)) return open[0]!;
    const before = open.filter((front) => {
      const session = this.session(front);
      return session.isComparable(relayed) && session.start <= relayed.start + BEFORE_HEADER_NS;
    });
    return before.reduce<number | null>((best, front) => {
      return best === null || this.session(front).start > this.session(best).start ? front : best;
    }, null);
  }

  /** The relayed bytes: each session is compared with those of equal first payload that lie near it in time. */
  private matchPayloads(): void {
    const { set, hasBack, hasFront, mayRelay } = this;
    const legs = this.connections.map((connection) => payloadLegOf(set, connection.legs));
    const isOpen = (position: number) =>
      // Behind one proxy there may be another: what was relayed once may be relayed on.
      hasBack[position] === 0 && (hasFront[position] === 0 || mayRelay[position] === 1);
    // Most share their first bytes with no other: only what does is compared closer.
    const all = new Int32Array(legs.length).map((_, position) => position);
    const members = Int32Array.from(payloadBuckets(set, legs, all.filter(isOpen), "any").flat()).sort();
    if (members.length === 0) return;
    const repeating = new Set<number>();
    const perVip = new Map<number, number>();
    for (const { vip } of this.connections) perVip.set(vip, (perVip.get(vip) ?? 0) + 1);
    for (const level of PAYLOAD_LEVELS) {
      const buckets = payloadBuckets(set, legs, members.filter(isOpen), level);
      for (const bucket of buckets) this.noteRepeating(bucket, repeating);
      const isTelling = (vip: number) => (perVip.get(vip) ?? 0) >= TELLING_CONNECTIONS && !repeating.has(vip);
      for (const bucket of buckets) this.matchBucket(bucket, repeating, isTelling, level === "sizes");
    }
  }

  /** VIPs whose clients send the same bytes again: there the bytes alone do not tell a connection. */
  private noteRepeating(bucket: readonly number[], repeating: Set<number>): void {
    const seen = new Set<number>();
    for (const position of bucket) {
      const { vip } = this.connections[position]!;
      if (seen.has(vip)) repeating.add(vip);
      seen.add(vip);
    }
  }

  private matchBucket(
    bucket: readonly number[],
    repeating: ReadonlySet<number>,
    isTelling: (vip: number) => boolean,
    isSizesOnly: boolean,
  ): void {
    if (!bucket.some((position) => this.mayRelay[position] === 1)) return;
    const found = matchLookalikes(
      bucket.map((position) => ({
        position,
        session: this.session(position),
        mayBeFront: this.mayRelay[position] === 1 && this.hasBack[position] === 0,
        mayBeBack: this.hasFront[position] === 0,
        isRepeating: isSizesOnly || repeating.has(this.connections[position]!.vip),
        isTelling: isTelling(this.connections[position]!.vip),
      })),
    );
    if (isSizesOnly && !this.hasSizes()) return;
    for (const { front, back, confidence } of found) {
      if (isSizesOnly) this.join(front, back, 0.75, "order-and-sizes");
      else this.join(front, back, confidence, "payload");
    }
  }

  /** Whether sizes can be trusted: where captures lack packets, the session that would fit may not seem to. */
  private hasSizes(): boolean {
    this.lacking ??= this.connections.filter(
      ({ legs }) => !isWhole(this.set.view(payloadLegOf(this.set, legs))),
    ).length;
    return this.lacking <= this.connections.length * MOST_LACKING;
  }

  /** Order, sizes and causality, between the VIPs and addresses that stronger evidence showed to be a proxy's. */
  private matchOrder(): void {
    const addressesOf = new Map<number, Set<number>>();
    for (const { front, back } of this.pairs) {
      const addresses = addressesOf.get(front.vip) ?? new Set();
      addresses.add(this.endpoints.withPort(back.client, 0));
      addressesOf.set(front.vip, addresses);
    }
    if (addressesOf.size === 0) return;
    const positions = this.connections.map((_, position) => position);
    const fronts = positions.filter(
      (position) => addressesOf.has(this.connections[position]!.vip) && this.mayRelay[position] === 1,
    );
    const backs = positions
      .filter((position) => this.balancerAddresses.has(this.clientAddress[position]!) && this.hasFront[position] === 0)
      .map((position) => ({ position, session: this.session(position) }))
      .sort((a, b) => a.session.start - b.session.start);
    const fits = new Map<number, number[]>();
    const fittedBy = new Map<number, number[]>();
    for (const front of fronts) {
      if (this.hasBack[front] === 1) continue;
      const session = this.session(front);
      const addresses = addressesOf.get(session.connection.vip)!;
      for (let i = firstFrom(backs, session.start); i < backs.length; i++) {
        const back = backs[i]!;
        if (back.session.start > session.start + ORDER_WINDOW_NS + session.duration) break;
        if (!addresses.has(back.session.clientAddress)) continue;
        if (!session.couldHaveOpened(back.session, ORDER_WINDOW_NS)) continue;
        push(fits, front, back.position);
        push(fittedBy, back.position, front);
      }
    }
    for (const [front, candidates] of fits) {
      const back = candidates[0]!;
      if (candidates.length > 1 || fittedBy.get(back)?.length !== 1) continue;
      if (this.session(front).isWhole && this.session(back).isWhole) this.join(front, back, 0.8, "order-and-sizes");
    }
  }
}

function firstFrom(backs: readonly { session: ProxySession }[], start: number): number {
  let low = 0;
  let high = backs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (backs[middle]!.session.start < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
