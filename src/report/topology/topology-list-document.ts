import type { TopologyReport } from "./topology-report.ts";

/**
 * The document of `topology --json`: `vips` and `nodes` as `analyze --json` has them in its `topology`, and more of
 * each. Sizes are bytes, times seconds; null is not known.
 */
export interface TopologyListDocument {
  /** Not that of the file: this tells what was seen, too, and is not read back. */
  schema: "l4scope.topology-report/1";
  vips: readonly {
    vip: string;
    protocol: "tcp" | "udp" | "any";
    mode: string | null;
    /** What the mode rests on: packets, replies, imported, given. */
    modeSource: string | null;
    connections: number;
    bytes: number;
    unknownBackend: number;
    scheduler: string | null;
    proxyHeader: string | null;
    idleTimeoutSeconds: number | null;
    backends: readonly {
      backend: string;
      connections: number;
      bytes: number;
      share: number;
      expectedShare: number;
      weight: number | null;
      backup: boolean;
    }[];
    balancers: readonly { node: string; connections: number }[];
    /** Names of nodes, tier after tier. */
    routers: readonly (readonly string[])[];
    clients: readonly { network: string; clients: number; connections: number }[];
  }[];
  nodes: readonly {
    name: string;
    role: string;
    addresses: readonly string[];
    macs: readonly string[];
    observationPoints: readonly string[];
  }[];
  virtualRouters: TopologyReport["virtualRouters"];
  thresholds: Readonly<Record<string, Readonly<Record<string, number>>>>;
  contradictions: readonly string[];
}

export function topologyListDocument({
  vips,
  nodes,
  virtualRouters,
  contradictions,
  given,
}: TopologyReport): TopologyListDocument {
  return {
    schema: "l4scope.topology-report/1",
    vips: vips.map(({ backends, balancers, clients, routers, protocol, isForwarded: _, ...vip }) => ({
      ...vip,
      protocol: protocol ?? "any",
      backends: backends.map(({ isBackup, ...backend }) => ({ ...backend, backup: isBackup })),
      balancers: balancers.map(({ name, connections }) => ({ node: name, connections })),
      routers,
      clients: clients.map(({ name, ...network }) => ({ network: name, ...network })),
    })),
    nodes,
    virtualRouters,
    thresholds: given?.thresholds ?? {},
    contradictions,
  };
}
