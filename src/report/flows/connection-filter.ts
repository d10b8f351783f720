import { TCP, UDP } from "../../decode/packet.ts";
import type { Case } from "../../diagnose/case.ts";
import { connState } from "../../flow/conn-state.ts";
import type { Outcome } from "../../flow/leg-outcome.ts";
import type { Connection } from "../../path/connection.ts";
import type { LegSet } from "../../path/leg-set.ts";
import { bestLeg } from "../figures/best-legs.ts";
import { type AddressMatch, matchesAddress } from "./address-match.ts";
import { isPoint, type LegFilter } from "./leg-filter.ts";

/** Which connections are wanted: what legs are filtered by, and what only the whole way shows. */
export interface ConnectionFilter extends LegFilter {
  /** Who served it. */
  backend?: readonly AddressMatch[] | undefined;
  /** Nodes that saw it. */
  node?: readonly string[] | undefined;
  outcome?: readonly Outcome[] | undefined;
  /** Leaves out the balancers' own: health checks and attempts on backends. */
  clientsOnly?: boolean | undefined;
  /** Connections that these findings are about; null for any. */
  affected?: ReadonlySet<number> | null | undefined;
}

/** Whether a connection is wanted; what is cheap to tell is asked first. */
export function isWantedConnection(filter: ConnectionFilter, subject: Case, connection: Connection): boolean {
  const { set, endpoints } = subject.connected;
  const { legs, client, vip, backend } = connection;
  if (filter.affected && !filter.affected.has(connection.id)) return false;
  if (filter.clientsOnly && (connection.healthCheck || connection.role !== "client")) return false;
  if (filter.protocol !== undefined && connection.protocol !== (filter.protocol === "tcp" ? TCP : UDP)) return false;
  if (filter.outcome && !filter.outcome.includes(subject.outcome(connection))) return false;
  const isAt = (endpoint: number | null) => (match: AddressMatch) =>
    endpoint !== null &&
    !endpoints.isMac(endpoint) &&
    matchesAddress(match, endpoints.address(endpoint), endpoints.port(endpoint));
  if (filter.client && !filter.client.some(isAt(client))) return false;
  if (filter.vip && !filter.vip.some(isAt(vip))) return false;
  if (filter.backend && !filter.backend.some(isAt(backend))) return false;
  const ends = [client, vip, ...(backend === null ? [] : [backend])];
  if (filter.host && !ends.some((end) => filter.host?.some(isAt(end)))) return false;
  if (filter.port && !ends.some((end) => !endpoints.isMac(end) && filter.port?.includes(endpoints.port(end))))
    return false;
  if (filter.point && !legs.some((ref) => filter.point?.some((name) => isPoint(name, set.pointOf(ref).name))))
    return false;
  if (filter.node && !legs.some((ref) => filter.node?.includes(set.pointOf(ref).nodeName))) return false;
  const anyLeg = (of: "resets" | "retransmits") =>
    legs.some((ref) => {
      const { up, down } = set.view(ref);
      return up[of] + down[of] > 0;
    });
  if (filter.withResets && !anyLeg("resets")) return false;
  if (filter.withRetransmits && !anyLeg("retransmits")) return false;
  if (filter.minBytes !== undefined && payloadBytes(set, connection) < filter.minBytes) return false;
  return !filter.state || filter.state.includes(connState(set.view(connection.front)));
}

/** Payload both ways, as it was seen best. */
export function payloadBytes(set: LegSet, connection: Connection): number {
  const up = set.view(bestLeg(set, connection, 0)).up.payloadBytes;
  return up + set.view(bestLeg(set, connection, 1)).down.payloadBytes;
}
