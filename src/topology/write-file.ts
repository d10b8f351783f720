import { Document, isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { FILE_SCHEMA } from "./file-schema.ts";
import type { Topology, TopologyBackend, TopologyNode, TopologyVip, VirtualRouter } from "./topology.ts";

/** What stands as comments beside the entries: it tells a reader, not the next run. */
export interface FileRemarks {
  vip?: (vip: TopologyVip) => string | null;
  backend?: (vip: TopologyVip, backend: TopologyBackend) => string | null;
  node?: (node: TopologyNode) => string | null;
}

const HEADER = ` What l4scope knows of the load balancers here. Written by "l4scope topology --write"; edit it as you like and hand
 it to any command with --topology. Packets are believed before this file; the file is believed before imports.`;

/**
 * The topology as a file that readTopologyFile reads back to the same, connections apart. The same topology always
 * gives the same text: entries are sorted, nothing depends on the time or the order of captures.
 */
export function topologyFileText(topology: Topology, remarks: FileRemarks = {}): string {
  const vips = topology.vips.toSorted((a, b) => compare(a.vip, b.vip) || compare(a.protocol ?? "", b.protocol ?? ""));
  const sorted = vips.map((vip) => ({
    ...vip,
    backends: vip.backends.toSorted((a, b) => compare(a.backend, b.backend)),
  }));
  const nodes = topology.nodes.toSorted((a, b) => compare(a.role, b.role) || compare(a.name, b.name));
  const routers = topology.virtualRouters.toSorted(
    (a, b) => a.virtualRouterId - b.virtualRouterId || compare(a.interface ?? "", b.interface ?? ""),
  );
  const document = new Document({
    schema: FILE_SCHEMA,
    ...(sorted.length > 0 ? { vips: sorted.map(vipEntry) } : {}),
    ...(nodes.length > 0 ? { nodes: nodes.map(nodeEntry) } : {}),
    ...(routers.length > 0 ? { virtualRouters: routers.map(routerEntry) } : {}),
    ...(Object.keys(topology.thresholds).length > 0 ? { thresholds: topology.thresholds } : {}),
  });
  document.commentBefore = HEADER;
  sorted.forEach((vip, v) => {
    before(document.getIn(["vips", v], true), remarks.vip?.(vip));
    vip.backends.forEach((backend, b) => {
      before(document.getIn(["vips", v, "backends", b], true), remarks.backend?.(vip, backend));
    });
  });
  nodes.forEach((node, n) => {
    before(document.getIn(["nodes", n], true), remarks.node?.(node));
    for (const key of ["addresses", "macs", "observationPoints"]) inOneLine(document.getIn(["nodes", n, key], true));
  });
  routers.forEach((_, r) => {
    inOneLine(document.getIn(["virtualRouters", r, "addresses"], true));
  });
  if (isMap(document.contents)) spaceOut(document.contents);
  return document.toString({ lineWidth: 0 });
}

function vipEntry({ vip, protocol, mode, scheduler, proxyHeader, idleTimeoutSeconds, backends }: TopologyVip) {
  return {
    vip,
    protocol: protocol ?? "any",
    ...given({ mode, scheduler, proxyHeader, idleTimeoutSeconds }),
    backends: backends.map(({ backend, weight, isBackup, maxConnections }) => ({
      backend,
      weight,
      ...(isBackup ? { backup: true } : {}),
      ...given({ maxConnections }),
    })),
  };
}

function nodeEntry({ name, role, addresses, macs, observationPoints }: TopologyNode) {
  return {
    name,
    role,
    addresses: addresses.toSorted(compare),
    ...(macs.length > 0 ? { macs: macs.toSorted(compare) } : {}),
    ...(observationPoints.length > 0 ? { observationPoints: observationPoints.toSorted(compare) } : {}),
  };
}

function routerEntry({ virtualRouterId, interface: name, priority, intervalSeconds, addresses }: VirtualRouter) {
  return { virtualRouterId, ...given({ interface: name, priority, intervalSeconds }), addresses };
}

function given(fields: Readonly<Record<string, string | number | null>>): Record<string, string | number> {
  const entries = Object.entries(fields).filter((entry): entry is [string, string | number] => entry[1] !== null);
  return Object.fromEntries(entries);
}

function before(node: unknown, remark: string | null | undefined): void {
  if (!remark || !isMap(node)) return;
  node.commentBefore = ` ${remark.replace(/\s+/g, " ")}`;
}

function inOneLine(node: unknown): void {
  if (isSeq(node)) node.flow = true;
}

/** An empty line before each part of the file. */
function spaceOut(contents: YAMLMap): void {
  for (const { key } of contents.items.slice(1)) if (isScalar(key as Node)) (key as Node).spaceBefore = true;
}

/** By code units, so that no locale changes the order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
