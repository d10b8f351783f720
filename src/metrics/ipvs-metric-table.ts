import type { IpvsDestination, IpvsTotals } from "../host/ipvs-table.ts";
import type { MetricDefinition } from "./metric-table.ts";

/*
 * Names, labels and help of node_exporter's collector (collector/ipvs_linux.go), so that dashboards and alerts made for
 * it work with either.
 */

/** What it counts of all services together, since its counters were last zeroed. */
export const IPVS_TOTAL_METRICS: readonly (MetricDefinition & { key: keyof IpvsTotals })[] = [
  total("connections", "connections_total", "The total number of connections made."),
  total("packetsIn", "incoming_packets_total", "The total number of incoming packets."),
  total("packetsOut", "outgoing_packets_total", "The total number of outgoing packets."),
  total("bytesIn", "incoming_bytes_total", "The total amount of incoming data."),
  total("bytesOut", "outgoing_bytes_total", "The total amount of outgoing data."),
];

/** What it keeps of each real server of each service. */
export const IPVS_BACKEND_METRICS: readonly (MetricDefinition & {
  key: keyof Pick<IpvsDestination, "activeConnections" | "inactiveConnections" | "weight">;
})[] = [
  backend(
    "activeConnections",
    "backend_connections_active",
    "The current active connections by local and remote address.",
  ),
  backend(
    "inactiveConnections",
    "backend_connections_inactive",
    "The current inactive connections by local and remote address.",
  ),
  backend("weight", "backend_weight", "The current backend weight by local and remote address."),
];

export const IPVS_METRICS: readonly MetricDefinition[] = [...IPVS_TOTAL_METRICS, ...IPVS_BACKEND_METRICS];

function total<Key>(key: Key, name: string, help: string) {
  return { key, name: `node_ipvs_${name}`, type: "counter" as const, help, labels: [] };
}

function backend<Key>(key: Key, name: string, help: string) {
  const labels = ["local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark"];
  return { key, name: `node_ipvs_${name}`, type: "gauge" as const, help, labels };
}
