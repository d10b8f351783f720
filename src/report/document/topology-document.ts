import { UDP } from "../../decode/packet.ts";
import type { Analysis } from "../analysis.ts";
import type { AnalysisDocument, NodeDocument, VipDocument } from "../analysis-contract.ts";
import { type VipFigures, vipFigures } from "../figures/vip-figures.ts";

/** What the connections show of VIPs, backends and nodes. */
export function topologyDocument(analysis: Analysis): AnalysisDocument["topology"] {
  return {
    vips: vipFigures(analysis).map(vipDocument),
    nodes: analysis.topology.nodes.map(
      ({ name, role, addresses, macs, observationPoints }): NodeDocument => ({
        name,
        role,
        addresses,
        macs,
        observationPoints,
      }),
    ),
    contradictions: analysis.topology.contradictions,
  };
}

function vipDocument({ vip, protocol, mode, scheduler, connections, backends }: VipFigures): VipDocument {
  return {
    vip,
    protocol: protocol === UDP ? "udp" : "tcp",
    mode,
    connections: connections.length,
    scheduler,
    backends: backends.map(({ backend, connections, bytes, share, expectedShare }) => ({
      backend,
      connections: connections.length,
      bytes,
      share,
      expectedShare,
    })),
  };
}
