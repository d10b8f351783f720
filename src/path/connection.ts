import type { LegRef } from "./leg-set.ts";

/** How a VIP reaches its backends, and what turned one leg into the next. */
export type Hop = "dnat" | "fullnat" | "dsr-l2" | "dsr-tunnel" | "proxy" | "forward";

/** What a join rests on, strongest first. */
export type JoinKey =
  | "both-isn"
  | "client-isn"
  | "sequence-overlap"
  | "proxy-header"
  | "toa"
  | "payload"
  | "order-and-sizes"
  | "tunnel"
  | "mac"
  | "datagram"
  /** Other connections show that this destination is a backend. */
  | "known-backend"
  | "imported";

/** Why a connection is not one of a client through a VIP. */
export type Role =
  /** A client's connection. */
  | "client"
  /** Made by a load balancer itself: a health check, or an attempt on a backend that belongs to no client's connection. */
  | "balancer";

/**
 * Client to backend, end to end. Endpoints are numbers of the run's EndpointTable.
 */
export interface Connection {
  /** Position among the run's connections by start time: `c17` is 17. */
  id: number;
  /** IP protocol number. */
  protocol: number;
  role: Role;
  client: number;
  vip: number;
  /** null where nothing captured tells; never a guess. */
  backend: number | null;
  mode: Hop | null;
  /** Client-most first. */
  legs: LegRef[];
  /** What turned the leg before into this one; parallel to `legs`, "forward" for the first. */
  hops: readonly Hop[];
  /** The leg nearest to the client, and the one nearest to the backend (the same where only one is known). */
  front: LegRef;
  back: LegRef;
  /** Confidence in `backend`, 0 where it is null. */
  joinConfidence: number;
  joinKeys: readonly JoinKey[];
  /** ns since the run's base, on the reference clock. */
  start: number;
  end: number;
  healthCheck: boolean;
}
