import type { Scheduler } from "../../balance/scheduler.ts";
import type { Case, VipGroup } from "../../diagnose/case.ts";
import type { Outcome } from "../../flow/leg-outcome.ts";
import type { Connection, Hop } from "../../path/connection.ts";
import type { InferredVip } from "../../path/infer-topology.ts";
import type { Analysis } from "../analysis.ts";
import { nameOrder } from "./name-order.ts";

/** A VIP in numbers: its connections by the backend that answered. */
export interface VipFigures {
  /** As the contract prints it. */
  vip: string;
  /** IP protocol number. */
  protocol: number;
  /** How it hands connections on; null where nothing shows. */
  mode: Hop | null;
  scheduler: Scheduler;
  /** Of clients, by start time. */
  connections: readonly Connection[];
  /** By name. */
  backends: BackendFigures[];
  /** Connections whose backend nothing shows. */
  withoutBackend: readonly Connection[];
  /** What the detectors judged; null where nothing called it. */
  group: VipGroup | null;
}

export interface BackendFigures {
  backend: string;
  connections: readonly Connection[];
  /** Payload in both directions. */
  bytes: number;
  /** Of the VIP's connections whose backend is known. */
  share: number;
  /** By the weights where they are known, else the same for all. */
  expectedShare: number;
}

const UNKNOWN: Scheduler = { name: "unknown", confidence: 0 };

/**
 * The VIPs of a run, most connections first: what packets or the topology show to be one, and destinations that
 * several clients called although nothing shows who answered.
 */
export function vipFigures({ subject, topology, schedulers }: Analysis): VipFigures[] {
  const groups = new Map(subject.vips.map((group) => [keyOf(group), group]));
  const shown = new Set(topology.vips.map(keyOf));
  const figures = topology.vips.map((vip) => figuresOf(subject, schedulers, vip, groups.get(keyOf(vip))));
  for (const group of subject.vips) {
    if (shown.has(keyOf(group)) || !isCalledBySeveral(subject, group)) continue;
    figures.push(plainFigures(subject, group));
  }
  return figures.sort((a, b) => b.connections.length - a.connections.length);
}

/** How many connections ended in each way. */
export function outcomeCounts(subject: Case, connections: readonly Connection[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { ok: 0, refused: 0, reset: 0, timeout: 0, open: 0 };
  for (const connection of connections) counts[subject.outcome(connection)]++;
  return counts;
}

function keyOf({ vip, protocol }: { vip: number; protocol: number }): number {
  return vip * 256 + protocol;
}

function figuresOf(
  subject: Case,
  schedulers: Analysis["schedulers"],
  { vip, protocol, mode, backends }: InferredVip,
  group: VipGroup | undefined,
): VipFigures {
  const connections = group?.connections ?? [];
  const listed = backends.map(({ backend, bytes, share, expectedShare }) => ({
    backend: subject.text(backend),
    connections: group?.byBackend.get(backend) ?? [],
    bytes,
    share,
    expectedShare,
  }));
  listed.sort((a, b) => nameOrder(a.backend, b.backend));
  return {
    vip: subject.text(vip),
    protocol,
    mode,
    scheduler: schedulers.get(vip) ?? UNKNOWN,
    connections,
    backends: listed,
    withoutBackend: connections.filter(({ backend }) => backend === null),
    group: group ?? null,
  };
}

/** A destination that may be a VIP, or a service of its own. */
function plainFigures(subject: Case, group: VipGroup): VipFigures {
  const { vip, protocol, connections } = group;
  return {
    vip: subject.text(vip),
    protocol,
    mode: null,
    scheduler: UNKNOWN,
    connections,
    backends: [],
    withoutBackend: connections,
    group,
  };
}

function isCalledBySeveral(subject: Case, { connections, byBackend }: VipGroup): boolean {
  const { endpoints } = subject.connected;
  const [first] = connections;
  if (first === undefined || byBackend.size > 0) return false;
  const address = endpoints.withPort(first.client, 0);
  return connections.some(({ client }) => endpoints.withPort(client, 0) !== address);
}

/** A scheduler in words; empty where nothing is known of it. */
export function schedulerWords({ name, couldBe }: Scheduler): string {
  if (couldBe !== undefined) return couldBe.join(" or ");
  return name === "unknown" ? "" : name;
}
