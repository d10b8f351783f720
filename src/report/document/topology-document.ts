import type { TimeBase } from "../../capture/time-base.ts";
import { UDP } from "../../decode/packet.ts";
import type { Analysis } from "../analysis.ts";
import type { AnalysisDocument, NodeDocument, TierDocument, VipDocument } from "../analysis-contract.ts";
import { epochOf } from "../epoch.ts";
import { type TierFigures, tierFigures } from "../figures/tier-figures.ts";
import { type VipFigures, vipFigures } from "../figures/vip-figures.ts";

/** Of the run, in each series. */
const PIECES = 60;

/** What the connections show of VIPs, backends and nodes. */
export function topologyDocument(analysis: Analysis): AnalysisDocument["topology"] {
  return {
    vips: vipFigures(analysis).map((figures) => vipDocument(analysis, figures)),
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

function vipDocument(analysis: Analysis, figures: VipFigures): VipDocument {
  const { vip, protocol, mode, scheduler, connections, backends, group } = figures;
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
    tiers:
      group === null
        ? []
        : tierFigures(analysis.subject, group, PIECES).map((tier) => tierDocument(tier, analysis.timeBase)),
  };
}

function tierDocument(tier: TierFigures, timeBase: TimeBase): TierDocument {
  return {
    by: tier.kind,
    seenAt: tier.seenAt,
    hashFields: tier.fields,
    start: epochOf(tier.start, timeBase),
    pieceSeconds: tier.width / 1e9,
    moved: tier.moved,
    members: tier.members.map(({ series, ...member }) => ({
      ...member,
      series: {
        newConnections: series.newConnections,
        activeConnections: series.activeConnections.map((mean) => Math.round(mean * 1000) / 1000),
        bytes: series.bytes.map(Math.round),
      },
    })),
    elephants: tier.elephants.map(({ connection, ...elephant }) => ({ connection: `c${connection.id}`, ...elephant })),
  };
}
