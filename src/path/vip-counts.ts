import { UDP } from "../decode/packet.ts";
import { balancerBoundary, legBeforeBalancer } from "./balancer-boundary.ts";
import { ClientCounter } from "./client-networks.ts";
import type { Connected } from "./connect.ts";
import type { Connection, Hop } from "./connection.ts";
import { firstMacs } from "./first-macs.ts";
import type { Mac } from "./macs.ts";

/** Modes by number, so that they can be counted. */
export const MODES: readonly Hop[] = ["dnat", "fullnat", "dsr-l2", "dsr-tunnel", "proxy", "forward"];
const FORWARD = MODES.indexOf("forward");

/** Below this a destination that nothing shows to be balanced is not looked at closer. */
const MIN_CONNECTIONS = 10;
/** Such destinations at most, the busiest. */
const MAX_CANDIDATES = 64;

/** A destination that clients call, with what its connections add up to. */
export interface VipCount {
  /** Numbers of the endpoint and of the IP protocol. */
  vip: number;
  protocol: number;
  connections: number;
  bytes: number;
  /** Connections by mode; parallel to MODES. */
  modes: Int32Array;
  /** Connections whose mode packets show, and those for which a balancer's table says it. */
  seenModes: number;
  importedModes: number;
  backends: Map<number, BackendCount>;
  /** By the MAC that its requests were sent to where they were last seen before a balancer. */
  members: Map<Mac, MemberCount>;
  /** Connections by the node that rewrote them, where the capture has no MACs to tell by. */
  nodes: Map<string, number>;
  clients: ClientCounter;
}

export interface BackendCount {
  connections: number;
  bytes: number;
  example: Connection;
}

export interface MemberCount {
  connections: number;
  /** Connections whose replies were seen there, and of them those that came back from the same MAC. */
  answered: number;
  answeredItself: number;
  /** Answered connections by the TTL of the first reply. */
  replyTtls: Map<number, number>;
  example: Connection;
}

/**
 * Counts the connections of every VIP. Health checks and what balancers call themselves are left out.
 *
 * @param known numbers of endpoints that are VIPs whatever the packets show
 */
export function countVips(connected: Connected, known: ReadonlySet<number>): VipCount[] {
  const { connections, endpoints } = connected;
  const slots = endpoints.count * 2;
  const calls = new Int32Array(slots);
  const isShown = new Uint8Array(slots);
  for (const { role, healthCheck, vip, protocol, backend, mode } of connections) {
    if (role !== "client" || healthCheck) continue;
    const slot = vip * 2 + (protocol === UDP ? 1 : 0);
    calls[slot]!++;
    if ((backend !== null && backend !== vip) || (mode !== null && mode !== "forward")) isShown[slot] = 1;
  }
  const chosen = new Int32Array(slots).fill(-1);
  const counts: VipCount[] = [];
  const candidates: number[] = [];
  for (let slot = 0; slot < slots; slot++) {
    if (calls[slot] === 0) continue;
    if (isShown[slot] === 1 || known.has(slot >>> 1)) choose(slot);
    else if (calls[slot]! >= MIN_CONNECTIONS) candidates.push(slot);
  }
  candidates.sort((a, b) => calls[b]! - calls[a]!);
  for (const slot of candidates.slice(0, MAX_CANDIDATES)) choose(slot);
  function choose(slot: number): void {
    chosen[slot] = counts.length;
    counts.push({
      vip: slot >>> 1,
      protocol: (slot & 1) === 1 ? UDP : 6,
      connections: 0,
      bytes: 0,
      modes: new Int32Array(MODES.length),
      seenModes: 0,
      importedModes: 0,
      backends: new Map(),
      members: new Map(),
      nodes: new Map(),
      clients: new ClientCounter(),
    });
  }
  for (const connection of connections) {
    const { role, healthCheck, vip, protocol } = connection;
    if (role !== "client" || healthCheck) continue;
    const index = chosen[vip * 2 + (protocol === UDP ? 1 : 0)]!;
    if (index >= 0) count(connected, counts[index]!, connection);
  }
  return counts;
}

function count({ set, endpoints }: Connected, vip: VipCount, connection: Connection): void {
  const { backend, mode, front } = connection;
  const { up, down } = set.view(front);
  const bytes = up.payloadBytes + down.payloadBytes;
  vip.connections++;
  vip.bytes += bytes;
  if (mode !== null) {
    vip.modes[MODES.indexOf(mode)]!++;
    if (connection.joinKeys.includes("imported")) vip.importedModes++;
    else if (backend !== null) vip.seenModes++;
  }
  vip.clients.add(endpoints.address(connection.client));
  if (backend !== null) {
    const known = vip.backends.get(backend);
    if (known) {
      known.connections++;
      known.bytes += bytes;
    } else vip.backends.set(backend, { connections: 1, bytes, example: connection });
  }
  countMember({ set }, vip, connection);
}

function countMember({ set }: Pick<Connected, "set">, vip: VipCount, connection: Connection): void {
  const boundary = balancerBoundary(set, connection);
  const ref = legBeforeBalancer(set, connection, boundary);
  if (set.view(ref).up.packets === 0) return;
  const mac = firstMacs(set, ref, 0).destination;
  if (mac === 0) {
    const { nodeName } = set.pointOf(ref);
    const isRewritten = boundary > 0 && set.pointOf(connection.legs[boundary]!).nodeName === nodeName;
    if (isRewritten) vip.nodes.set(nodeName, (vip.nodes.get(nodeName) ?? 0) + 1);
    return;
  }
  let member = vip.members.get(mac);
  if (!member) {
    member = { connections: 0, answered: 0, answeredItself: 0, replyTtls: new Map(), example: connection };
    vip.members.set(mac, member);
  }
  member.connections++;
  if (connection.backend !== null) return;
  const { down } = set.view(ref);
  if (down.packets === 0) return;
  member.answered++;
  if (firstMacs(set, ref, 1).source === mac) member.answeredItself++;
  const ttl = down.ttl.first;
  member.replyTtls.set(ttl, (member.replyTtls.get(ttl) ?? 0) + 1);
}

/** The mode that most connections show, `forward` only where there is no other; null where none shows any. */
export function shownMode({ modes }: VipCount): Hop | null {
  let best = -1;
  modes.forEach((connections, mode) => {
    if (connections > 0 && mode !== FORWARD && (best < 0 || connections > modes[best]!)) best = mode;
  });
  return best < 0 ? null : (MODES[best] ?? null);
}
