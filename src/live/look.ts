import type { Diagnosis } from "../diagnose/diagnose.ts";
import type { TrackedCapture } from "../flow/tracked-capture.ts";
import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import type { InferredTopology } from "../path/infer-topology.ts";
import type { Analysis } from "../report/analysis.ts";
import type { VipFigures } from "../report/figures/vip-figures.ts";
import type { Known } from "./connection-book.ts";

/** All that one look over the legs in memory came to. Cursors in it read the legs as they are now. */
export interface Look {
  captures: readonly TrackedCapture[];
  connected: Connected;
  diagnosis: Diagnosis;
  topology: InferredTopology;
  /** As the reports take it. */
  analysis: Analysis;
  vips: readonly VipFigures[];
  /** Parallel to the connections. */
  knowns: readonly Known[];
  /** ns since the base. */
  now: number;
}

/** Those connections whose legs are still in memory. */
export function* remembered({ connected, knowns }: Look): Generator<[connection: Connection, known: Known]> {
  for (const connection of connected.connections) {
    const known = knowns[connection.id]!;
    if (!known.isGone) yield [connection, known];
  }
}

/** A connection by the session's name for it. */
export function connectionOf(look: Look, id: number): Connection | null {
  const index = look.knowns.findIndex((known) => known.id === id && !known.isGone);
  return look.connected.connections[index] ?? null;
}

/** The session's name, e.g. `c17`. */
export function nameOf({ id }: Known): string {
  return `c${id}`;
}
