import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";

/** A flow that went on at another member. */
export interface Move {
  connection: Connection;
  from: string;
  to: string;
  /** ns on the reference clock. */
  time: number;
  ref: LegRef;
  frame: number;
  /** Moves of this connection in all: several are a spray. */
  count: number;
}

/** Which member of a tier each connection of a VIP was given, and which of them moved. Members are keys; see `names`. */
export interface Membership {
  /**
   * `mac`: by destination MAC at one point; `tunnel`: by outer destination at one; `interface`: by the interface of one
   * node; `node`: by the load balancer whose captures saw the connection; `point`: by any other captured node.
   */
  kind: "mac" | "tunnel" | "interface" | "node" | "point";
  /** Where it was seen. */
  point: string;
  memberOf: ReadonlyMap<Connection, string>;
  names: ReadonlyMap<string, string>;
  moves: readonly Move[];
}
