import { TCP, UDP } from "../../decode/packet.ts";
import { connState } from "../../flow/conn-state.ts";
import { legOutcome, type Outcome } from "../../flow/leg-outcome.ts";
import type { ListedLeg } from "../leg-list.ts";
import { type AddressMatch, matchesAddress } from "./address-match.ts";

/** Which legs are wanted: all that is given must hold, of a list any one entry. */
export interface LegFilter {
  /** Who opened it. */
  client?: readonly AddressMatch[] | undefined;
  /** What was called. */
  vip?: readonly AddressMatch[] | undefined;
  /** Either of the two. */
  host?: readonly AddressMatch[] | undefined;
  /** A port of either side. */
  port?: readonly number[] | undefined;
  protocol?: "tcp" | "udp" | undefined;
  outcome?: readonly Outcome[] | undefined;
  /** Zeek's conn_state. */
  state?: readonly string[] | undefined;
  /** Observation points by name, or by node: `lb1` is all of `lb1:eth0` and `lb1:eth1`. */
  point?: readonly string[] | undefined;
  /** Payload of both directions. */
  minBytes?: number | undefined;
  withResets?: boolean | undefined;
  withRetransmits?: boolean | undefined;
}

/** Whether a leg is wanted; what is cheap to tell is asked first. */
export function isWanted(filter: LegFilter, { leg, point }: ListedLeg): boolean {
  const { up, down } = leg;
  if (filter.protocol !== undefined && leg.protocol !== (filter.protocol === "tcp" ? TCP : UDP)) return false;
  if (filter.withResets && up.resets + down.resets === 0) return false;
  if (filter.withRetransmits && up.retransmits + down.retransmits === 0) return false;
  if (filter.minBytes !== undefined && up.payloadBytes + down.payloadBytes < filter.minBytes) return false;
  if (filter.port && !filter.port.includes(leg.srcPort) && !filter.port.includes(leg.dstPort)) return false;
  const isClient = (match: AddressMatch) => matchesAddress(match, leg.src, leg.srcPort);
  const isCalled = (match: AddressMatch) => matchesAddress(match, leg.dst, leg.dstPort);
  if (filter.client && !filter.client.some(isClient)) return false;
  if (filter.vip && !filter.vip.some(isCalled)) return false;
  if (filter.host && !filter.host.some((match) => isClient(match) || isCalled(match))) return false;
  if (filter.point && !filter.point.some((name) => isPoint(name, point))) return false;
  if (filter.outcome && !filter.outcome.includes(legOutcome(leg))) return false;
  return !filter.state || filter.state.includes(connState(leg));
}

/** Whether a name given by a user means an observation point. */
export function isPoint(given: string, point: string): boolean {
  return given === point || point.startsWith(`${given}:`);
}
