import { UDP } from "../decode/packet.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection, Hop, JoinKey } from "./connection.ts";
import { type DirectReturn, findDirectReturn } from "./direct-return.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";
import type { Session } from "./session.ts";
import { destinationOf, sourceOf } from "./tuples.ts";

/** Legs of a session with the same tuple. */
interface Stretch {
  src: number;
  dst: number;
  /** Nearest to the client, and to the backend. */
  first: LegRef;
  last: LegRef;
  /** Bits of LEG_* in any of its legs. */
  state: number;
  /** The client's packets and the server's were seen, resets apart. */
  isAsked: boolean;
  isServed: boolean;
}

/** A translation whose legs do not tell for sure which of them is nearer to the client. */
interface Undecided {
  connection: Connection;
  front: Stretch;
  back: Stretch;
  /** The clocks say that `front` is. */
  isAhead: boolean;
}

const OPENED = L.LEG_SYN | L.LEG_SYN_ACK;

/** Arrays that connections which look alike share: almost all do. */
const NO_KEYS: readonly JoinKey[] = [];
const UNCHANGED: readonly (readonly Hop[])[] = [[], ["forward"], ["forward", "forward"]];
const TRANSLATED: Readonly<Record<"dnat" | "fullnat", readonly Hop[]>> = {
  dnat: ["forward", "dnat"],
  fullnat: ["forward", "fullnat"],
};

/** What a translation was recognised by, and how sure that is. */
interface Evidence {
  keys: readonly JoinKey[];
  confidence: number;
}
const BOTH_ISN: Evidence = { keys: ["both-isn"], confidence: 0.99 };
const CLIENT_ISN: Evidence = { keys: ["client-isn"], confidence: 0.95 };
const SEQUENCE_OVERLAP: Evidence = { keys: ["sequence-overlap"], confidence: 0.95 };
const DATAGRAM: Evidence = { keys: ["datagram"], confidence: 0.9 };

/**
 * Reads sessions as connections: who called whom, where it was rewritten, who answered. Roles, and what a terminating
 * proxy joins, come later.
 */
export class RouteReader {
  /** What shows a direct return, for connections that no NAT touched. */
  readonly directReturns: Map<Connection, DirectReturn> = new Map();
  private readonly undecided: Undecided[] = [];
  private readonly set: LegSet;
  private readonly endpoints: EndpointTable;
  private readonly order: LegOrder;

  constructor(set: LegSet, endpoints: EndpointTable, order: LegOrder) {
    this.set = set;
    this.endpoints = endpoints;
    this.order = order;
  }

  /** @param legs are put into the order in which the client's packets meet them, and kept */
  read(legs: Session): Connection {
    this.order.sort(legs);
    if (legs.length === 1) return this.untranslated(legs, legs[0]!, legs[0]!, legs);
    const parts = this.stretches(legs);
    const front = parts[0]!;
    if (parts.length === 1) return this.untranslated(legs, front.first, front.last, legs);
    const back = answeringStretch(parts);
    if (back.dst === front.dst) {
      const own = legs.filter((ref) => sourceOf(this.set, this.endpoints, ref) === back.src);
      return this.untranslated(legs, front.first, back.last, own);
    }
    const connection = this.connection(legs, front.first, back.last);
    const isAhead = this.order.isAhead(front.first, back.first);
    // Without an answer that both saw, clocks alone tell, which are never quite right.
    if (isAhead && (front.state & back.state & L.LEG_SYN_ACK) !== 0) this.translate(connection, front, back);
    else this.undecided.push({ connection, front, back, isAhead });
    return connection;
  }

  private translate(connection: Connection, front: Stretch, back: Stretch): void {
    const { legs } = connection;
    const isSourceKept = legs.some(
      (ref) =>
        destinationOf(this.set, this.endpoints, ref) === front.dst &&
        sourceOf(this.set, this.endpoints, ref) === back.src,
    );
    const mode = isSourceKept ? "dnat" : "fullnat";
    const evidence = this.evidence(front.first, back.first);
    connection.backend = back.dst;
    connection.mode = mode;
    connection.hops = legs.length === 2 ? TRANSLATED[mode] : this.hops(legs);
    connection.joinConfidence = evidence.confidence;
    connection.joinKeys = evidence.keys;
  }

  /**
   * Decides by what other connections show to be VIPs and backends where the legs of one did not tell; the rest are
   * what the clocks say, or keep `backend: null`.
   */
  decide(connections: readonly Connection[]): void {
    if (this.undecided.length === 0) return;
    const vips = new Set<number>();
    const backends = new Set<number>();
    for (const { vip, backend } of connections) {
      if (backend === null) continue;
      vips.add(vip);
      backends.add(backend);
    }
    const leads = (from: Stretch, to: Stretch) =>
      (vips.has(from.dst) && !vips.has(to.dst)) || (backends.has(to.dst) && !backends.has(from.dst));
    for (const { connection, front, back, isAhead } of this.undecided) {
      const isAsRead = leads(front, back);
      const isTold = isAsRead !== leads(back, front);
      if (!isTold && !isAhead) continue;
      if (isAsRead || !isTold) {
        this.translate(connection, front, back);
        continue;
      }
      const isFront = (ref: LegRef) => destinationOf(this.set, this.endpoints, ref) === back.dst;
      const { legs } = connection;
      legs.splice(0, legs.length, ...legs.filter(isFront), ...legs.filter((ref) => !isFront(ref)));
      connection.client = back.src;
      connection.vip = back.dst;
      connection.front = back.first;
      connection.back = front.last;
      connection.start = this.order.referenceStart(back.first);
      this.translate(connection, back, front);
    }
  }

  /** @param own legs with the tuple that reaches furthest, where a source NAT before the VIP made several */
  private untranslated(legs: Session, front: LegRef, back: LegRef, own: readonly LegRef[]): Connection {
    const connection = this.connection(legs, front, back);
    const direct = findDirectReturn(this.set, own);
    if (direct) this.directReturns.set(connection, direct);
    return connection;
  }

  private connection(legs: Session, front: LegRef, back: LegRef): Connection {
    const { set, endpoints, order } = this;
    return {
      id: 0,
      protocol: set.view(front).protocol,
      role: "client",
      client: sourceOf(set, endpoints, front),
      vip: destinationOf(set, endpoints, front),
      backend: null,
      mode: null,
      legs,
      hops: UNCHANGED[legs.length] ?? legs.map((): Hop => "forward"),
      front,
      back,
      joinConfidence: 0,
      joinKeys: NO_KEYS,
      start: order.referenceStart(front),
      end: order.referenceEnd(legs),
      healthCheck: false,
    };
  }

  private stretch(ref: LegRef): Stretch {
    const { set, endpoints } = this;
    const { state, up, down } = set.view(ref);
    return {
      src: sourceOf(set, endpoints, ref),
      dst: destinationOf(set, endpoints, ref),
      first: ref,
      last: ref,
      state,
      isAsked: up.packets > up.resets,
      isServed: down.packets > down.resets,
    };
  }

  /**
   * One stretch per tuple, in the order in which the client's packets meet them. Pieces from mid-stream that saw one
   * direction only (a flow that moved, untranslated packets that leaked) come after what saw the handshake, and do not
   * tell where the stretch lies that they have the tuple of.
   */
  private stretches(legs: Session): Stretch[] {
    const parts: Stretch[] = [];
    const pieces: Stretch[] = [];
    for (const ref of legs) {
      const own = this.stretch(ref);
      if (isWhole(own)) extend(parts, own);
      else pieces.push(own);
    }
    for (const own of pieces) extend(parts, own);
    return parts;
  }

  private evidence(front: LegRef, back: LegRef): Evidence {
    const near = this.set.view(front);
    if (near.protocol === UDP) return DATAGRAM;
    const serverIsn = near.down.has(L.SIDE_HAS_BASE) ? near.down.baseSeq : null;
    const far = this.set.view(back);
    if (far.has(L.LEG_MIDSTREAM)) return SEQUENCE_OVERLAP;
    const isSame = far.down.has(L.SIDE_HAS_BASE) && far.down.baseSeq === serverIsn;
    return isSame ? BOTH_ISN : CLIENT_ISN;
  }

  /** What turned each leg into the next one. */
  private hops(legs: readonly LegRef[]): Hop[] {
    const { set, endpoints } = this;
    let before: { src: number; dst: number } | null = null;
    return legs.map((ref): Hop => {
      const src = sourceOf(set, endpoints, ref);
      const dst = destinationOf(set, endpoints, ref);
      const isRewritten = before !== null && dst !== before.dst;
      const hop = !isRewritten ? "forward" : src === before?.src ? "dnat" : "fullnat";
      before = { src, dst };
      return hop;
    });
  }
}

function isWhole({ state, isAsked, isServed }: Stretch): boolean {
  return (state & OPENED) !== 0 || (isAsked && isServed);
}

/** Adds a leg to the stretch of its tuple, or a new stretch. */
function extend(parts: Stretch[], own: Stretch): void {
  for (const known of parts) {
    if (known.src !== own.src || known.dst !== own.dst) continue;
    if (isWhole(own) || !isWhole(known)) known.last = own.last;
    known.state |= own.state;
    known.isAsked ||= own.isAsked;
    known.isServed ||= own.isServed;
    return;
  }
  parts.push(own);
}

/**
 * Of several rewrites the one that leads to the backend: the last that answered the SYN. A load balancer may have
 * tried others before, or given the flow to another backend after it had lost its state.
 */
function answeringStretch(parts: readonly Stretch[]): Stretch {
  if (parts.length === 2 && (parts[1]!.state & OPENED) !== 0) return parts[1]!;
  const front = parts[0]!;
  const rest = parts.slice(1);
  const answered = rest.findLast(({ state }) => (state & L.LEG_SYN_ACK) !== 0);
  if (answered) return answered;
  const opened = rest.findLast(({ state }) => (state & L.LEG_SYN) !== 0);
  if (opened) return opened;
  // Nothing but pieces from mid-stream: one whose server took part, or what the flow may have moved to.
  const served = rest.find(({ isServed }) => isServed);
  return served ?? ((front.state & OPENED) !== 0 ? front : rest[0]!);
}
