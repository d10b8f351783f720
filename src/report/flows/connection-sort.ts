import type { Connection } from "../../path/connection.ts";
import type { LegSet } from "../../path/leg-set.ts";
import { packetCounts } from "../figures/best-legs.ts";
import { firstByteTime, handshakeTime } from "../figures/leg-times.ts";
import { payloadBytes } from "./connection-filter.ts";
import type { SortKey } from "./leg-sort.ts";

/** What a connection is sorted by; NaN where it has nothing of the kind. */
export function connectionSortKey(set: LegSet, connection: Connection, sort: SortKey): number {
  switch (sort) {
    case "start":
      return connection.start;
    case "duration":
      return connection.end - connection.start;
    case "bytes":
      return payloadBytes(set, connection);
    case "packets":
      return packetCounts(set, connection).packets;
    case "retransmits":
      return packetCounts(set, connection).retransmits;
    case "handshake":
      return handshakeTime(set, connection);
    case "first-byte":
      return firstByteTime(set, connection);
  }
}
