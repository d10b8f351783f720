import type { TimeBase } from "../../capture/time-base.ts";
import type { ConnectionDocument } from "../analysis-contract.ts";
import { LazyConnection } from "../connection-document.ts";
import type { LegList } from "../leg-list.ts";

/** The document of `flows --json`; connections are those of `analyze --json --connections`. */
export interface FlowsDocument {
  schema: "l4scope.flows/1";
  /** What is listed: `connections` end to end, or each of their `legs` as a connection of its own. */
  of: "connections" | "legs";
  /** Of them in the captures. */
  total: number;
  /** Of them, those that the filters let through, before the limit. */
  matched: number;
  connections: readonly { toJSON(): ConnectionDocument }[];
}

export function flowsDocument(
  list: LegList,
  places: readonly number[],
  matched: number,
  timeBase: TimeBase,
): FlowsDocument {
  const connections = places.map((place) => new LazyConnection(list, place, timeBase));
  return { schema: "l4scope.flows/1", of: "legs", total: list.count, matched, connections };
}
