import { ImportedConnections } from "./imported-connections.ts";
import type { ImportSink } from "./imports/import-sink.ts";
import type { Topology, TopologyVip, VirtualRouter } from "./topology.ts";

export function emptyTopology(): Topology {
  return {
    vips: [],
    nodes: [],
    virtualRouters: [],
    thresholds: {},
    connections: new ImportedConnections(),
    problems: [],
  };
}

/**
 * Completes a topology by what an import found. What was said before stays: the file's word before an import's, an
 * earlier import's before a later one's; where they differ, that is a problem to tell.
 */
export function completeTopology(topology: Topology, found: ImportSink): void {
  topology.problems.push(...found.problems);
  for (const vip of found.vips) {
    const known = topology.vips.find((entry) => entry.vip === vip.vip && entry.protocol === vip.protocol);
    if (known) completeVip(topology, known, vip, found.source);
    else topology.vips.push(structuredClone(vip));
  }
  for (const router of found.virtualRouters) {
    if (!topology.virtualRouters.some((known) => isSameRouter(known, router))) topology.virtualRouters.push(router);
  }
}

const COMPLETED = ["mode", "scheduler", "proxyHeader", "idleTimeoutSeconds"] as const;

function completeVip(topology: Topology, known: TopologyVip, more: TopologyVip, source: string): void {
  for (const key of COMPLETED) {
    if (known[key] === null) Object.assign(known, { [key]: more[key] });
    else if (more[key] !== null && more[key] !== known[key]) {
      const message = `${known.vip} has ${key} ${more[key]} here, but ${known[key]} was said before: that stays`;
      topology.problems.push({ source, line: 0, column: 0, message });
    }
  }
  for (const backend of more.backends) {
    const same = known.backends.find((entry) => entry.backend === backend.backend);
    if (!same) known.backends.push({ ...backend });
    else {
      same.maxConnections ??= backend.maxConnections;
      if (same.weight !== backend.weight) {
        const message = `${same.backend} of ${known.vip} has weight ${backend.weight} here, but ${same.weight} was said before: that stays`;
        topology.problems.push({ source, line: 0, column: 0, message });
      }
    }
  }
}

/** Two balancers have one router each of the same id: they differ by priority. */
function isSameRouter(a: VirtualRouter, b: VirtualRouter): boolean {
  return a.virtualRouterId === b.virtualRouterId && a.interface === b.interface && a.priority === b.priority;
}
