import { emptyTopology } from "../../topology/merge.ts";
import type { Topology, TopologyBackend, TopologyVip } from "../../topology/topology.ts";
import { topologyFileText } from "../../topology/write-file.ts";
import { formatBytes, formatNumberOf, formatShare } from "../format-quantity.ts";
import type { ReportVip, TopologyReport } from "./topology-report.ts";

/**
 * The file for the next run: what was given, completed by what the captures showed, with the numbers seen as comments.
 * What packets show against it is told elsewhere; here the given stays until its owner changes it.
 */
export function topologyFile(report: TopologyReport): string {
  const { given, nodes, virtualRouters } = report;
  const topology: Topology = {
    ...emptyTopology(),
    vips: report.vips.map((vip) => fileVip(vip, given)),
    // networks of clients are what a run saw, not what is set up
    nodes: nodes
      .filter(({ role, observationPoints }) => role !== "client" || observationPoints.length > 0)
      .map((node) => structuredClone(node)),
    virtualRouters: [...virtualRouters],
    thresholds: given?.thresholds ?? {},
  };
  const reported = (vip: TopologyVip) =>
    report.vips.find((one) => one.vip === vip.vip && one.protocol === vip.protocol && one.connections > 0);
  return topologyFileText(topology, {
    vip: (vip) => {
      const seen = reported(vip);
      return seen ? `${formatNumberOf(seen.connections, "connection")}, ${formatBytes(seen.bytes)}` : null;
    },
    backend: (vip, { backend }) => {
      const seen = reported(vip)?.backends.find((one) => one.backend === backend);
      if (!seen) return null;
      const all = reported(vip)?.connections ?? 0;
      return `${formatNumberOf(seen.connections, "connection")}, ${formatShare(seen.connections, all)}`;
    },
  });
}

function fileVip(vip: ReportVip, given: Topology | null): TopologyVip {
  const entry = given?.vips.find(
    (one) => one.vip === vip.vip && (one.protocol === null || one.protocol === vip.protocol),
  );
  const scheduler = entry?.scheduler ?? vip.scheduler;
  return {
    vip: vip.vip,
    protocol: vip.protocol,
    mode: entry?.mode ?? vip.mode,
    scheduler,
    proxyHeader: vip.proxyHeader,
    idleTimeoutSeconds: vip.idleTimeoutSeconds,
    backends: vip.backends.map(({ backend, connections, weight, isBackup }): TopologyBackend => {
      const known = entry?.backends.find((one) => one.backend === backend);
      return {
        backend,
        weight: weight ?? (scheduler === "wrr" ? seenWeight(vip, connections) : 1),
        isBackup,
        maxConnections: known?.maxConnections ?? null,
      };
    }),
  };
}

/** A weighted round robin deals in proportion to its weights: the smallest share is 1. */
function seenWeight({ backends }: ReportVip, connections: number): number {
  const least = Math.min(...backends.map((one) => one.connections).filter((count) => count > 0));
  return Number.isFinite(least) ? Math.round(connections / least) : 1;
}
