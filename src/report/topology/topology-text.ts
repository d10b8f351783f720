import type { InferredNode } from "../../path/infer-nodes.ts";
import type { VirtualRouter } from "../../topology/topology.ts";
import { formatBytes, formatCount, formatNumberOf, formatSeconds, formatShare } from "../format-quantity.ts";
import { type Page, printable, wrap } from "../text/page.ts";
import { type Column, table } from "../text/table.ts";
import { drawStages, type Stage } from "./stages-drawing.ts";
import type { ReportBackend, ReportVip, TopologyReport } from "./topology-report.ts";

/** Entries of a stage without --full. */
const MAX_LABELS = 8;
const MARGIN = "  ";

/** The set-up as text: a drawing for each VIP, then the nodes, then what does not agree. */
export function topologyText(report: TopologyReport, page: Page): string {
  const { vips, nodes, virtualRouters, contradictions } = report;
  const lines: string[] = [];
  if (vips.length === 0) {
    const nothing = "No VIP: no packet shows a balancer between clients and backends, and none is given.";
    const help = "Capture on both sides of it, or hand in its set-up: --import FILE of haproxy.cfg, ipvsadm -Sn, …";
    lines.push(...wrap(`${nothing} ${help}`, page.width), "");
  }
  for (const vip of vips) lines.push(...vipDrawing(vip, page), "");
  if (nodes.length > 0) lines.push(...nodeTable(nodes, page), "");
  if (virtualRouters.length > 0) lines.push(...routerTable(virtualRouters, page), "");
  for (const contradiction of contradictions) {
    lines.push(...wrap(`! ${printable(contradiction)}`, page.width, "  ").map((line) => page.paint.risk(line)));
  }
  return lines.join("\n").trimEnd();
}

function vipDrawing(vip: ReportVip, page: Page): string[] {
  const lines = [vipTitle(vip, page)];
  const drawn = drawStages(stagesOf(vip, page), page.width - MARGIN.length);
  lines.push(...drawn.map((line, i) => MARGIN + (i === 0 ? page.paint.quiet(line) : line)));
  if (vip.mode === "dsr-l2" || vip.mode === "dsr-tunnel") {
    lines.push(`${MARGIN}${page.paint.quiet("replies go from the backends past the load balancer (direct return)")}`);
  }
  return lines;
}

function vipTitle(vip: ReportVip, page: Page): string {
  const { protocol, scheduler, connections, bytes, proxyHeader, idleTimeoutSeconds } = vip;
  const traits = [
    protocol ?? "",
    modeText(vip),
    scheduler ?? "",
    proxyHeader === null ? "" : `PROXY ${proxyHeader}`,
    idleTimeoutSeconds === null ? "" : `idle ${formatSeconds(idleTimeoutSeconds)}`,
    connections === 0 ? "no connection seen" : formatNumberOf(connections, "connection"),
    connections === 0 ? "" : formatBytes(bytes),
  ];
  return `${page.paint.title(vip.vip)} ${page.paint.quiet(traits.filter((trait) => trait !== "").join(" · "))}`;
}

function modeText({ mode, modeSource, isForwarded }: ReportVip): string {
  if (mode === null) return isForwarded ? "dnat or fullnat" : "mode unknown";
  if (modeSource === "replies") return `${mode} (by its replies)`;
  if (modeSource === "imported") return `${mode} (by its table)`;
  return modeSource === "given" ? `${mode} (as given)` : mode;
}

function stagesOf(vip: ReportVip, page: Page): Stage[] {
  const { clients, routers, balancers, connections } = vip;
  const clientLabels = clients.map(({ name, connections: own }) => `${name} ${formatCount(own)}`);
  const balancerLabels = balancers.map(({ name, connections: own }) => `${printable(name)} ${formatCount(own)}`);
  const stages: Stage[] = [
    { title: "clients", labels: cut(clientLabels, page), leastWidth: 12 },
    ...routers.map((tier) => ({ title: "routers", labels: cut(tier.map(printable), page), leastWidth: 8 })),
    {
      title: "balancers",
      labels: balancerLabels.length > 0 ? cut(balancerLabels, page) : [vip.mode === null ? "?" : "not captured"],
      leastWidth: 8,
    },
    { title: "backends", labels: cut(backendLabels(vip), page), leastWidth: 30 },
  ];
  return stages.filter(({ labels, title }) => labels.length > 0 && (connections > 0 || title !== "clients"));
}

function backendLabels({ backends, unknownBackend, connections }: ReportVip): string[] {
  const widest = Math.max(0, ...backends.map(({ backend }) => backend.length));
  const isWeighted = new Set(backends.map(({ expectedShare }) => expectedShare)).size > 1;
  const known = connections - unknownBackend;
  const labels = backends.map((one) =>
    `${one.backend.padEnd(widest)} ${backendFigures(one, known, isWeighted)}`.trimEnd(),
  );
  if (unknownBackend > 0) labels.push(`not seen ${formatCount(unknownBackend)}`);
  return labels.length > 0 ? labels : ["not seen"];
}

function backendFigures(
  { connections, share, expectedShare, weight, isBackup }: ReportBackend,
  known: number,
  isWeighted: boolean,
): string {
  const parts: string[] = [];
  if (known > 0) {
    parts.push(formatCount(connections), formatShare(connections, known));
    if (isWeighted && Math.abs(share - expectedShare) > 0.005)
      parts.push(`of ${formatShare(expectedShare * known, known)}`);
  } else if (weight !== null) parts.push(`weight ${weight}`);
  if (isBackup) parts.push("backup");
  return parts.join(" ");
}

/** The first of a long list, and how many more there are. */
function cut(labels: readonly string[], page: Page): string[] {
  if (page.full || labels.length <= MAX_LABELS) return [...labels];
  return [...labels.slice(0, MAX_LABELS - 1), `+${formatCount(labels.length - MAX_LABELS + 1)} more`];
}

function nodeTable(nodes: readonly InferredNode[], page: Page): string[] {
  const list = (texts: readonly string[]) => {
    const shown = page.full ? texts : texts.slice(0, 2);
    const more = texts.length - shown.length;
    return `${shown.map(printable).join(" ")}${more > 0 ? ` +${more}` : ""}`;
  };
  const told = nodes.filter(({ role, observationPoints }) => role !== "client" || observationPoints.length > 0);
  const columns: Column<InferredNode>[] = [
    { title: "node", cell: ({ name }) => printable(name) },
    { title: "role", cell: ({ role }) => role },
    { title: "addresses", cell: ({ addresses }) => list(addresses) },
    { title: "MACs", cell: ({ macs }) => list(macs), rank: 2 },
    { title: "seen at", cell: ({ observationPoints }) => list(observationPoints), rank: 1 },
  ];
  return table(
    told,
    columns.filter(({ cell }) => told.some((node) => cell(node) !== "")),
    page,
  );
}

function routerTable(routers: readonly VirtualRouter[], page: Page): string[] {
  return table(
    routers,
    [
      { title: "VRRP id", cell: ({ virtualRouterId }) => String(virtualRouterId), align: "right" },
      { title: "interface", cell: ({ interface: name }) => printable(name ?? "-") },
      { title: "priority", cell: ({ priority }) => String(priority ?? "-"), align: "right" },
      {
        title: "interval",
        cell: ({ intervalSeconds }) => (intervalSeconds === null ? "-" : formatSeconds(intervalSeconds)),
      },
      { title: "addresses", cell: ({ addresses }) => addresses.join(" ") },
    ],
    page,
  );
}
