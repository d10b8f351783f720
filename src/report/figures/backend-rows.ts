import { quantile } from "../../balance/statistics.ts";
import type { Case } from "../../diagnose/case.ts";
import type { Connection } from "../../path/connection.ts";
import { packetCounts } from "./best-legs.ts";
import { connectTime, firstByteTime, handshakeTime } from "./leg-times.ts";
import { harmfulReset } from "./time-series.ts";
import { outcomeCounts, type VipFigures } from "./vip-figures.ts";

/** One backend, or the connections whose backend nothing shows. */
export interface BackendRow {
  backend: string;
  connections: number;
  /** NaN where there is nothing to share. */
  share: number;
  expectedShare: number;
  resets: number;
  timeouts: number;
  retransmits: number;
  packets: number;
  /** Seconds; NaN where it was not seen. */
  connectP50: number;
  connectP99: number;
  firstByteP50: number;
}

/** The rows of a VIP's table: its backends, and what no backend is known of. */
export function backendRows(subject: Case, figures: VipFigures): BackendRow[] {
  const rows = figures.backends.map(({ backend, connections, share, expectedShare }) =>
    rowOf(subject, backend, connections, share, expectedShare),
  );
  const { withoutBackend } = figures;
  if (withoutBackend.length === 0) return rows;
  return [...rows, rowOf(subject, "(not seen)", withoutBackend, Number.NaN, Number.NaN)];
}

function rowOf(
  subject: Case,
  backend: string,
  connections: readonly Connection[],
  share: number,
  expectedShare: number,
): BackendRow {
  const { set } = subject.connected;
  const connects = times(connections, (one) => {
    const accepted = connectTime(set, one);
    return accepted >= 0 ? accepted : handshakeTime(set, one);
  });
  const firstBytes = times(connections, (one) => firstByteTime(set, one));
  let retransmits = 0;
  let packets = 0;
  for (const connection of connections) {
    const counts = packetCounts(set, connection);
    retransmits += counts.retransmits;
    packets += counts.packets;
  }
  return {
    backend,
    connections: connections.length,
    share,
    expectedShare,
    resets: connections.filter((one) => harmfulReset(subject, one) !== null).length,
    timeouts: outcomeCounts(subject, connections).timeout,
    retransmits,
    packets,
    connectP50: quantile(connects, 0.5) / 1e9,
    connectP99: quantile(connects, 0.99) / 1e9,
    firstByteP50: quantile(firstBytes, 0.5) / 1e9,
  };
}

function times(connections: readonly Connection[], of: (connection: Connection) => number): number[] {
  return connections
    .map(of)
    .filter((time) => time >= 0)
    .sort((a, b) => a - b);
}
