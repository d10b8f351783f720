import type { LegRef } from "../../path/leg-set.ts";

/** A node that the connection passes, or an end of it where nobody captured. */
export interface Column {
  /** Of the node; of what nobody captured, its part: `client`, `lb`, `backend`. */
  name: string;
  /** What the connection shows it to be; null where it only passes packets on, or nothing tells. */
  role: "client" | "lb" | "backend" | null;
  /** False where it is only known to be there. */
  isSeen: boolean;
  /** True where the role rests on TTLs alone: the node may as well be the end's next neighbour. */
  isNextTo: boolean;
  /** Observation points, in the order in which the client's packets meet them. */
  points: readonly string[];
  /** Legs seen there, in that order too. */
  legs: readonly LegRef[];
  /** Nodes of the same depth are alternatives to each other: members of one tier. */
  depth: number;
  /** Sessions that pass: 0 the client's, 1 the proxy's. */
  sessions: readonly number[];
}
