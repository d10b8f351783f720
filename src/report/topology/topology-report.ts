import type { Scheduler as SeenScheduler } from "../../balance/scheduler.ts";
import { UDP } from "../../decode/packet.ts";
import type { ClientNetwork } from "../../path/client-networks.ts";
import type { EndpointTable } from "../../path/endpoints.ts";
import type { InferredNode } from "../../path/infer-nodes.ts";
import type { InferredTopology, InferredVip, ModeSource } from "../../path/infer-topology.ts";
import type { Topology, TopologyVip, VirtualRouter } from "../../topology/topology.ts";
import type { ForwardingMode, Protocol, ProxyHeader, Scheduler } from "../../topology/vocabulary.ts";

/** A scheduler that packets show with less confidence is not told: small samples fit many. */
const SURE = 0.9;

/** The set-up as `topology` tells it: what was given and what the captures showed, in words. */
export interface TopologyReport {
  /** Those with connections first, the busiest at the top. */
  vips: ReportVip[];
  nodes: readonly InferredNode[];
  virtualRouters: readonly VirtualRouter[];
  contradictions: readonly string[];
  /** What was given, for what the file keeps of it. */
  given: Topology | null;
}

export interface ReportVip {
  vip: string;
  /** null is any. */
  protocol: Protocol | null;
  mode: ForwardingMode | null;
  modeSource: ModeSource | null;
  /** Some NAT that the clients' side alone does not tell apart. */
  isForwarded: boolean;
  connections: number;
  bytes: number;
  unknownBackend: number;
  scheduler: Scheduler | null;
  proxyHeader: ProxyHeader | null;
  idleTimeoutSeconds: number | null;
  backends: ReportBackend[];
  clients: readonly ClientNetwork[];
  /** Tier after tier. */
  routers: string[][];
  balancers: { name: string; connections: number }[];
}

export interface ReportBackend {
  backend: string;
  connections: number;
  bytes: number;
  share: number;
  expectedShare: number;
  /** As given. */
  weight: number | null;
  isBackup: boolean;
}

/** What captures showed. */
export interface SeenTopology {
  inferred: InferredTopology;
  endpoints: EndpointTable;
  /** By the number of the VIP. */
  schedulers: ReadonlyMap<number, SeenScheduler>;
}

/** @param seen null where no capture was given */
export function topologyReport(seen: SeenTopology | null, given: Topology | null): TopologyReport {
  const vips = seen?.inferred.vips.map((vip) => seenVip(seen, vip, given)) ?? [];
  for (const entry of given?.vips ?? []) {
    const isSeen = vips.some(
      ({ vip, protocol }) => vip === entry.vip && (entry.protocol === null || protocol === entry.protocol),
    );
    if (!isSeen) vips.push(givenVip(entry));
  }
  return {
    vips,
    nodes: seen?.inferred.nodes ?? given?.nodes ?? [],
    virtualRouters: given?.virtualRouters ?? [],
    contradictions: seen?.inferred.contradictions ?? [],
    given,
  };
}

function seenVip({ endpoints, schedulers }: SeenTopology, vip: InferredVip, given: Topology | null): ReportVip {
  const text = endpoints.text(vip.vip);
  const protocol = vip.protocol === UDP ? "udp" : "tcp";
  const entry = given?.vips.find((one) => one.vip === text && (one.protocol ?? protocol) === protocol);
  return {
    ...vip,
    vip: text,
    protocol,
    scheduler: vip.scheduler ?? schedulerShown(schedulers.get(vip.vip)),
    proxyHeader: entry?.proxyHeader ?? null,
    idleTimeoutSeconds: entry?.idleTimeoutSeconds ?? null,
    backends: vip.backends.map((one) => ({ ...one, backend: endpoints.text(one.backend) })).sort(byName),
    routers: vip.routers.map((tier) => tier.map(({ name }) => name)),
    balancers: vip.balancers.map(({ node, connections }) => ({ name: node.name, connections })),
  };
}

function schedulerShown(scheduler: SeenScheduler | undefined): Scheduler | null {
  if (!scheduler || scheduler.name === "unknown" || scheduler.confidence < SURE) return null;
  return scheduler.name;
}

function givenVip({ backends, mode, ...vip }: TopologyVip): ReportVip {
  const total = backends.reduce((sum, { isBackup, weight }) => sum + (isBackup ? 0 : weight), 0);
  return {
    ...vip,
    mode,
    modeSource: mode === null ? null : "given",
    isForwarded: false,
    connections: 0,
    bytes: 0,
    unknownBackend: 0,
    backends: backends
      .map(({ backend, weight, isBackup }) => ({
        backend,
        connections: 0,
        bytes: 0,
        share: 0,
        expectedShare: total === 0 || isBackup ? 0 : weight / total,
        weight,
        isBackup,
      }))
      .sort(byName),
    clients: [],
    routers: [],
    balancers: [],
  };
}

function byName(a: ReportBackend, b: ReportBackend): number {
  return a.backend.localeCompare(b.backend, "en", { numeric: true });
}
