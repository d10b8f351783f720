import { UDP } from "../../decode/packet.ts";
import type { Analysis } from "../analysis.ts";
import type { AnalysisDocument, NodeDocument, VipDocument } from "../analysis-contract.ts";
import { backendBytes, type VipFigures, vipFigures } from "../figures/vip-figures.ts";

/** What the connections show of VIPs, backends and nodes. */
export function topologyDocument(analysis: Analysis): AnalysisDocument["topology"] {
  return {
    vips: vipFigures(analysis.subject).map((figures) => vipDocument(analysis, figures)),
    nodes: nodes(analysis),
  };
}

function vipDocument({ subject }: Analysis, figures: VipFigures): VipDocument {
  const { vip, group, mode, connections, backends } = figures;
  return {
    vip,
    protocol: group.protocol === UDP ? "udp" : "tcp",
    mode,
    connections,
    scheduler: { name: "unknown", confidence: 0 },
    backends: backends.map((one) => ({
      backend: one.backend,
      connections: one.connections.length,
      bytes: backendBytes(subject, one),
      share: one.share,
      expectedShare: one.expectedShare,
    })),
  };
}

/** The hosts that captures were taken on, by the names of their points. */
function nodes({ subject }: Analysis): NodeDocument[] {
  const byName = new Map<string, string[]>();
  for (const { name, nodeName } of subject.connected.set.points) {
    const points = byName.get(nodeName) ?? [];
    if (!points.includes(name)) points.push(name);
    byName.set(nodeName, points);
  }
  return [...byName].map(([name, observationPoints]) => ({
    name,
    role: "unknown",
    addresses: [],
    macs: [],
    observationPoints,
  }));
}
