import * as L from "../flow/leg-layout.ts";
import type { Hop, JoinKey } from "./connection.ts";
import { type DirectReturn, findDirectReturn } from "./direct-return.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";
import type { Session } from "./sessions.ts";
import { type Stretch, stretches } from "./tuples.ts";

/** A session as the path sees it, before sessions are joined across proxies and roles are known. */
export interface Route {
  protocol: number;
  stretches: Stretch[];
  /** In the order in which the client's packets meet them. */
  legs: LegRef[];
  /** Nearest to the client, and to the backend. */
  front: LegRef;
  back: LegRef;
  client: number;
  vip: number;
  backend: number | null;
  mode: Hop | null;
  confidence: number;
  keys: JoinKey[];
  direct: DirectReturn | null;
  start: number;
}

/** Reads the route of a session from its legs: who called whom, where it was rewritten, who answered. */
export function routeOf(set: LegSet, endpoints: EndpointTable, order: LegOrder, session: Session, key: JoinKey): Route {
  const { legs } = session;
  order.sort(legs);
  const parts = openedFirst(set, stretches(set, endpoints, legs));
  const first = parts[0]!;
  const last = parts.length > 1 ? answeringStretch(set, parts) : first;
  const route: Route = {
    protocol: set.view(legs[0]!).protocol,
    stretches: parts,
    legs,
    front: first.legs[0]!,
    back: last.legs.at(-1)!,
    client: first.src,
    vip: first.dst,
    backend: null,
    mode: null,
    confidence: 0,
    keys: [],
    direct: null,
    start: order.referenceStart(first.legs[0]!),
  };
  if (last !== first && last.dst !== first.dst) {
    route.backend = last.dst;
    route.mode = last.src === first.src ? "dnat" : "fullnat";
    const view = set.view(last.legs[0]!);
    const isStrong = key === "both-isn" && view.has(L.LEG_SYN_ACK);
    route.keys.push(
      isStrong ? key : key === "datagram" ? key : view.has(L.LEG_MIDSTREAM) ? "sequence-overlap" : "client-isn",
    );
    route.confidence = isStrong ? 0.99 : key === "datagram" ? 0.9 : 0.95;
  } else if (parts.length === 1) {
    route.direct = findDirectReturn(set, legs);
  }
  return route;
}

/** Pieces from mid-stream (a flow that moved, untranslated packets that leaked) come after what saw the handshake. */
function openedFirst(set: LegSet, parts: Stretch[]): Stretch[] {
  if (parts.length < 2) return parts;
  const isOpened = (stretch: Stretch) => stretch.legs.some((ref) => set.view(ref).has(L.LEG_SYN | L.LEG_SYN_ACK));
  return [...parts.filter(isOpened), ...parts.filter((stretch) => !isOpened(stretch))];
}

/**
 * Of several rewrites the one that leads to the backend: the last that answered the SYN. A load balancer may have
 * tried others before, or given the flow to another backend after it had lost its state.
 */
function answeringStretch(set: LegSet, parts: readonly Stretch[]): Stretch {
  const rest = parts.slice(1);
  const has = (stretch: Stretch, bits: number) => stretch.legs.some((ref) => set.view(ref).has(bits));
  const front = parts[0]!;
  const answered = rest.filter((stretch) => has(stretch, L.LEG_SYN_ACK));
  if (answered.length > 0) return answered.at(-1)!;
  const opened = rest.filter((stretch) => has(stretch, L.LEG_SYN));
  if (opened.length > 0) return opened.at(-1)!;
  // Nothing but pieces from mid-stream: the earliest, if the client's leg has no handshake either.
  return has(front, L.LEG_SYN | L.LEG_SYN_ACK) ? front : rest[0]!;
}
