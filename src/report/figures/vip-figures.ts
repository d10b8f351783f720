import type { Case, VipGroup } from "../../diagnose/case.ts";
import type { Outcome } from "../../flow/leg-outcome.ts";
import type { Connection, Hop } from "../../path/connection.ts";
import { payloadBytes } from "./best-legs.ts";

/** A VIP in numbers: its connections by the backend that answered. */
export interface VipFigures {
  group: VipGroup;
  /** As the contract prints it. */
  vip: string;
  /** How most of its connections were handed on; null where none shows. */
  mode: Hop | null;
  connections: number;
  /** By name. */
  backends: BackendFigures[];
  /** Connections whose backend nothing shows. */
  withoutBackend: readonly Connection[];
}

export interface BackendFigures {
  backend: string;
  connections: readonly Connection[];
  /** Of the VIP's connections whose backend is known. */
  share: number;
  /** What an even spread would give. */
  expectedShare: number;
}

/**
 * The VIPs of a run: every destination that was seen handed on, and those that several clients called although no
 * backend shows. Most connections first.
 */
export function vipFigures(subject: Case): VipFigures[] {
  return subject.vips
    .filter((group) => group.byBackend.size > 0 || hasSeveralClients(subject, group))
    .map((group) => figuresOf(subject, group));
}

/** Payload in both directions of a backend's connections. */
export function backendBytes(subject: Case, { connections }: BackendFigures): number {
  const { set } = subject.connected;
  return connections.reduce((sum, connection) => sum + payloadBytes(set, connection), 0);
}

/** How many connections ended in each way. */
export function outcomeCounts(subject: Case, connections: readonly Connection[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { ok: 0, refused: 0, reset: 0, timeout: 0, open: 0 };
  for (const connection of connections) counts[subject.outcome(connection)]++;
  return counts;
}

function figuresOf(subject: Case, group: VipGroup): VipFigures {
  const known = [...group.byBackend.values()].reduce((sum, list) => sum + list.length, 0);
  const backends = [...group.byBackend].map(([backend, connections]) => ({
    backend: subject.text(backend),
    connections,
    share: connections.length / known,
    expectedShare: 1 / group.byBackend.size,
  }));
  backends.sort((a, b) => a.backend.localeCompare(b.backend, "en", { numeric: true }));
  return {
    group,
    vip: subject.text(group.vip),
    mode: commonMode(group),
    connections: group.connections.length,
    backends,
    withoutBackend: known === group.connections.length ? [] : group.connections.filter((one) => one.backend === null),
  };
}

function commonMode({ byBackend }: VipGroup): Hop | null {
  const counts = new Map<Hop, number>();
  for (const connections of byBackend.values()) {
    for (const { mode } of connections) if (mode !== null) counts.set(mode, (counts.get(mode) ?? 0) + 1);
  }
  let common: Hop | null = null;
  for (const [mode, count] of counts) if (common === null || count > (counts.get(common) ?? 0)) common = mode;
  return common;
}

function hasSeveralClients(subject: Case, { connections }: VipGroup): boolean {
  const { endpoints } = subject.connected;
  const [first] = connections;
  if (first === undefined) return false;
  const address = endpoints.withPort(first.client, 0);
  return connections.some(({ client }) => endpoints.withPort(client, 0) !== address);
}
