import type { Outcome } from "../flow/leg-outcome.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import { endpointText } from "../path/endpoints.ts";
import type { LegRef } from "../path/leg-set.ts";
import { connectionOutcome } from "../path/outcome.ts";
import type { Topology, TopologyVip } from "../topology/topology.ts";
import { attributeResets, balancerNodes } from "./attribute-resets.ts";
import type { Evidence } from "./finding.ts";
import { markHealthChecks } from "./health-checks.ts";
import type { ResetVerdict } from "./reset-verdict.ts";
import { THRESHOLDS, type ThresholdId } from "./thresholds.ts";

/** Client connections of one VIP. */
export interface VipGroup {
  vip: number;
  protocol: number;
  /** By start time; health checks and the balancer's own left out. */
  connections: Connection[];
  byBackend: Map<number, Connection[]>;
  /** Those that saw a reset, in the same order; few, where most are well. */
  withResets: Connection[];
}

/** Everything the detectors look at: connections with their outcomes, resets and groups. Read-only for them. */
export class Case {
  readonly connected: Connected;
  readonly connections: readonly Connection[];
  readonly outcomes: readonly Outcome[];
  /** Connections of clients, health checks left out, by start time. */
  readonly users: readonly Connection[];
  /** What balancers opened for themselves, health checks left out: attempts on backends. */
  readonly attempts: readonly Connection[];
  readonly vips: readonly VipGroup[];
  /** All verdicts of a connection, earliest first. */
  readonly resets: ReadonlyMap<number, readonly ResetVerdict[]>;
  /** Nodes that rewrite connections or send them on to backends. */
  readonly balancers: ReadonlySet<string>;
  /** Time of the first and last packet of the run, ns on the reference clock. */
  readonly start: number;
  readonly end: number;

  /** What is known of the set-up besides the packets, or null. */
  readonly topology: Topology | null;

  constructor(connected: Connected, topology: Topology | null = null) {
    this.connected = connected;
    this.topology = topology;
    const { connections, set } = connected;
    this.connections = connections;
    markHealthChecks(connected);
    this.outcomes = connections.map((connection) => connectionOutcome(set, connection));
    this.balancers = balancerNodes(connected);
    this.resets = attributeResets(connected, this.balancers);
    this.users = connections.filter((connection) => connection.role === "client" && !connection.healthCheck);
    this.attempts = connections.filter((connection) => connection.role === "balancer" && !connection.healthCheck);
    this.vips = groupByVip(this.users, this.resets);
    let start = Number.POSITIVE_INFINITY;
    let end = Number.NEGATIVE_INFINITY;
    for (const capture of set.captures) {
      start = Math.min(start, Number.isNaN(capture.firstTime) ? start : capture.firstTime);
      end = Math.max(end, Number.isNaN(capture.lastTime) ? end : capture.lastTime);
    }
    this.start = start;
    this.end = end;
  }

  /** The operator's number for a finding, else the usual one. */
  threshold<Id extends ThresholdId>(id: Id, name: keyof (typeof THRESHOLDS)[Id] & string): number {
    const usual = THRESHOLDS[id][name] as { usual: number };
    return this.topology?.thresholds[id]?.[name] ?? usual.usual;
  }

  /** What the topology says of a VIP, or null. */
  vipTopology(group: VipGroup): TopologyVip | null {
    const name = this.text(group.vip);
    const protocol = group.protocol === 6 ? "tcp" : "udp";
    return this.topology?.vips.find((vip) => vip.vip === name && (vip.protocol ?? protocol) === protocol) ?? null;
  }

  outcome(connection: Connection): Outcome {
    return this.outcomes[connection.id]!;
  }

  /** The verdict that decides a connection's `reset`: the earliest that did its client harm, else the earliest. */
  mainReset(connection: Connection): ResetVerdict | null {
    const verdicts = this.resets.get(connection.id);
    if (!verdicts) return null;
    const harm = verdicts.find((verdict) => verdict.isFront && !verdict.isHarmless);
    return harm ?? verdicts.find((verdict) => verdict.isFront) ?? verdicts[0] ?? null;
  }

  /** A cursor on a leg; valid until the next call for a leg of the same capture. */
  leg(ref: LegRef): LegView {
    return this.connected.set.view(ref);
  }

  /** Whether a connection is one of a group's. */
  isOf(group: VipGroup, { vip, protocol, role, healthCheck }: Connection): boolean {
    return vip === group.vip && protocol === group.protocol && role === "client" && !healthCheck;
  }

  front(connection: Connection): LegView {
    return this.leg(connection.front);
  }

  back(connection: Connection): LegView {
    return this.leg(connection.back);
  }

  /** A time of a leg's capture on the reference clock. */
  reference(ref: LegRef, time: number): number {
    return time - this.connected.order.shiftOf(ref);
  }

  text(endpoint: number): string {
    return this.connected.endpoints.text(endpoint);
  }

  nodeOf(ref: LegRef): string {
    return this.connected.set.pointOf(ref).nodeName;
  }

  evidence(ref: LegRef, frame: number, note: string): Evidence {
    return { capture: this.connected.set.trackOf(ref).capture, frame, note };
  }

  /** The first frame of a connection's client side. */
  frontEvidence(connection: Connection, note: string): Evidence {
    return this.evidence(connection.front, this.front(connection).firstFrame, note);
  }

  /** Wireshark's name for a connection's client side, for display filters. */
  filterOf(connection: Connection): string {
    const { endpoints } = this.connected;
    const address = endpoints.address(connection.client);
    const text = endpointText(address, 0);
    const field = text.startsWith("[") ? "ipv6.addr" : "ip.addr";
    const bare = text.startsWith("[") ? text.slice(1, text.indexOf("]")) : text.slice(0, text.lastIndexOf(":"));
    const port = endpoints.port(connection.client);
    return `${field}==${bare} && ${connection.protocol === 6 ? "tcp" : "udp"}.port==${port}`;
  }
}

function groupByVip(users: readonly Connection[], resets: ReadonlyMap<number, unknown>): VipGroup[] {
  const groups = new Map<number, VipGroup>();
  for (const connection of users) {
    const key = connection.vip * 256 + connection.protocol;
    let group = groups.get(key);
    if (!group) {
      group = {
        vip: connection.vip,
        protocol: connection.protocol,
        connections: [],
        byBackend: new Map(),
        withResets: [],
      };
      groups.set(key, group);
    }
    group.connections.push(connection);
    if (resets.has(connection.id)) group.withResets.push(connection);
    if (connection.backend === null) continue;
    const list = group.byBackend.get(connection.backend);
    if (list) list.push(connection);
    else group.byBackend.set(connection.backend, [connection]);
  }
  return [...groups.values()].sort((a, b) => b.connections.length - a.connections.length);
}
