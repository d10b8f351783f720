import type { ImportedConnections } from "./imported-connections.ts";
import type { ForwardingMode, NodeRole, Protocol, ProxyHeader, Scheduler } from "./vocabulary.ts";

/**
 * What is known of the load balancers' set-up from a file and from imports, before any packet is looked at.
 * Endpoints are texts as analyze prints them: `ip:port`, `[ip6]:port`.
 */
export interface Topology {
  vips: TopologyVip[];
  nodes: TopologyNode[];
  virtualRouters: VirtualRouter[];
  /** By finding id, then by the finding's own name for the number. */
  thresholds: Thresholds;
  /** Which connection went to which backend, as a balancer's own tables say. */
  connections: ImportedConnections;
  /** What could not be read or does not agree; all else was kept. */
  problems: SourceProblem[];
}

export type Thresholds = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface TopologyVip {
  /** The address 0.0.0.0 or [::] is any, port 0 is any; `fwmark:3` where packets are chosen by a mark instead. */
  vip: string;
  /** null is any. */
  protocol: Protocol | null;
  mode: ForwardingMode | null;
  scheduler: Scheduler | null;
  /** The PROXY header that the balancer puts before a connection to a backend. */
  proxyHeader: ProxyHeader | null;
  /** After this silence the balancer forgets or ends a connection. */
  idleTimeoutSeconds: number | null;
  backends: TopologyBackend[];
}

export interface TopologyBackend {
  /** Endpoint, or the MAC where the balancer is told no more. */
  backend: string;
  weight: number;
  /** Used only when the others are down. */
  isBackup: boolean;
  /** Connections that a proxy opens to it at most. */
  maxConnections: number | null;
}

export interface TopologyNode {
  name: string;
  role: NodeRole;
  addresses: string[];
  /** Lower case, colons between. */
  macs: string[];
  /** As analyze names them: `lb1:eth0`. */
  observationPoints: string[];
}

/** A VRRP router's own configuration. */
export interface VirtualRouter {
  virtualRouterId: number;
  interface: string | null;
  priority: number | null;
  intervalSeconds: number | null;
  addresses: string[];
}

/** Something about one place of a file that a user should know; a line and column of 0 where the whole is meant. */
export interface SourceProblem {
  /** The file as the user named it. */
  source: string;
  line: number;
  column: number;
  message: string;
}

/** One line: `FILE:LINE:COLUMN: what is wrong`. */
export function problemText({ source, line, column, message }: SourceProblem): string {
  const place = line === 0 ? "" : column === 0 ? `:${line}` : `:${line}:${column}`;
  return `${source}${place}: ${message}`;
}
