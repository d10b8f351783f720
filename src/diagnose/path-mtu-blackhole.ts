import { FOU, GENEVE, GRE, GUE, IP_IN_IP, VXLAN } from "../decode/encapsulation.ts";
import { MAPPED, TCP } from "../decode/packet.ts";
import { RETRANSMIT } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { icmpErrors, isTooBig, pairKey, quotedEnds } from "./icmp-errors.ts";
import { ownersOf, scanLegs } from "./leg-scan.ts";
import { windowOf } from "./notes.ts";

const MIN_CONNECTIONS = 3;
/** Of the stuck connections, so many must have lost nothing that was small enough. */
const MIN_FITTING = 0.8;
/** Every path takes this much payload: IPv4 hosts must accept 576 bytes (RFC 1122 3.3.2). */
const SMALLEST_LOST_BYTES = 500;
/** Sent again so often without an answer. */
const MIN_REPETITIONS = 2;

/** A connection with segments of one direction that are sent again and again and never acknowledged. */
interface Stuck {
  connection: Connection;
  leg: LegRef;
  /** 0: requests do not arrive, 1: answers. */
  side: number;
  /** Smallest payload among the segments lost, bytes. */
  smallestLost: number;
  frame: number;
  repetitions: number;
}

/** Connections that share a path, and the largest payload that got through on it since the first got stuck. */
interface StuckPath {
  group: VipGroup;
  side: number;
  backend: number | null;
  stuck: Stuck[];
  largestAcked: number;
}

/** `path.mtu-blackhole`: small segments pass, everything above a size vanishes, and nobody says so. */
export const pathMtuBlackhole: Detector = {
  ids: ["path.mtu-blackhole"],
  find(subject) {
    const stuck = new Map<number, Stuck>();
    for (const [ref, connection] of ownersOf(subject, scanLegs(subject).stuck)) {
      if (connection.protocol !== TCP || connection.healthCheck) continue;
      const one = stuckOn(subject, connection, ref);
      const known = stuck.get(connection.id);
      if (one && (!known || one.repetitions > known.repetitions)) stuck.set(connection.id, one);
    }
    if (stuck.size < MIN_CONNECTIONS) return [];
    const findings: Finding[] = [];
    for (const group of subject.vips) {
      for (const side of [0, 1]) {
        const own = group.connections.flatMap(({ id }) => stuck.get(id) ?? []).filter((one) => one.side === side);
        if (own.length >= MIN_CONNECTIONS)
          findings.push(...narrow(subject, group, side, own).map((path) => finding(subject, path)));
      }
    }
    return findings;
  },
};

/** The unacknowledged repetitions of one leg, if all that it lost is large. */
function stuckOn(subject: Case, connection: Connection, ref: LegRef): Stuck | null {
  const { set } = subject.connected;
  const track = set.trackOf(ref);
  const view = set.view(ref);
  // A SYN that nobody answers is no matter of size.
  if (!view.has(L.LEG_SYN_ACK) && view.down.packets > 0 && view.has(L.LEG_SYN)) return null;
  const acked = [view.down.highestAck, view.up.highestAck];
  const hasAck = [view.down.has(L.SIDE_HAS_ACK), view.up.has(L.SIDE_HAS_ACK)];
  const lost: (Stuck & { seqs: Map<number, number> })[] = [];
  for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
    if (event.kind !== RETRANSMIT || event.length === 0) continue;
    if (hasAck[event.side] && ((event.seq + event.length - acked[event.side]!) | 0) <= 0) continue;
    lost[event.side] ??= {
      connection,
      leg: ref,
      side: event.side,
      smallestLost: event.length,
      frame: event.frame,
      repetitions: 0,
      seqs: new Map(),
    };
    const side = lost[event.side]!;
    const times = (side.seqs.get(event.seq) ?? 0) + 1;
    side.seqs.set(event.seq, times);
    side.repetitions = Math.max(side.repetitions, times);
    // Of the same bytes the smallest piece counts: senders try smaller ones.
    side.smallestLost = times === 1 ? Math.min(side.smallestLost, event.length) : side.smallestLost;
  }
  const worst = lost.filter((one) => one !== undefined).sort((a, b) => b.repetitions - a.repetitions)[0];
  return worst && worst.repetitions >= MIN_REPETITIONS ? worst : null;
}

/** The whole VIP where no larger segment got through; else each backend's connections by themselves. */
function narrow(subject: Case, group: VipGroup, side: number, stuck: readonly Stuck[]): StuckPath[] {
  const whole = pathOf(subject, group, side, null, stuck);
  const backends = new Set(stuck.map(({ connection }) => connection.backend));
  if (whole && (backends.size > 1 || group.byBackend.size < 2)) return [whole];
  const paths: StuckPath[] = [];
  for (const backend of backends) {
    if (backend === null) continue;
    const own = stuck.filter(({ connection }) => connection.backend === backend);
    const path = pathOf(subject, group, side, backend, own);
    if (path) paths.push(path);
  }
  return paths.length > 0 || !whole ? paths : [whole];
}

function pathOf(
  subject: Case,
  group: VipGroup,
  side: number,
  backend: number | null,
  stuck: readonly Stuck[],
): StuckPath | null {
  const since = Math.min(...stuck.map(({ connection }) => connection.start));
  const { set } = subject.connected;
  let largestAcked = 0;
  for (const connection of (backend === null ? null : group.byBackend.get(backend)) ?? group.connections) {
    if (connection.start < since) continue;
    // Through a proxy the other session says nothing about this path.
    const ref = side === 0 ? connection.back : connection.front;
    for (const leg of connection.mode === "proxy" ? [ref] : [connection.front, connection.back]) {
      largestAcked = Math.max(largestAcked, largestThrough(set.view(leg), side));
    }
  }
  const fitting = stuck.filter(
    ({ smallestLost }) => smallestLost > largestAcked && smallestLost >= SMALLEST_LOST_BYTES,
  );
  if (largestAcked === 0 || fitting.length < MIN_CONNECTIONS || fitting.length < stuck.length * MIN_FITTING)
    return null;
  return { group, side, backend, stuck: fitting, largestAcked };
}

/**
 * Largest payload of a side that got through: acknowledged; where acknowledgments pass elsewhere (direct return), never
 * sent again before the side closed.
 */
function largestThrough(view: LegView, side: number): number {
  const own = view.side(side);
  if (view.side(1 - side).packets > 0) return own.largestAcked;
  return view.has(L.LEG_FIN_UP << side) && own.retransmits === 0 ? own.largestSent : 0;
}

const TUNNELS: Readonly<Record<number, { name: string; overhead: number }>> = {
  [IP_IN_IP]: { name: "IPIP", overhead: 20 },
  [GRE]: { name: "GRE", overhead: 24 },
  [GUE]: { name: "GUE", overhead: 32 },
  [FOU]: { name: "FOU", overhead: 28 },
  [VXLAN]: { name: "VXLAN", overhead: 50 },
  [GENEVE]: { name: "Geneve", overhead: 50 },
};

/** MTUs that tunnels and access lines leave of 1500. */
const KNOWN_MTUS: readonly (readonly [number, string])[] = [
  [1492, "PPPoE"],
  [1480, "IPIP"],
  [1476, "GRE"],
  [1472, "GRE with key, or FOU"],
  [1460, "IP in IPv6, or GUE"],
  [1450, "VXLAN, or Geneve"],
  [1440, "WireGuard over IPv4"],
  [1430, "VXLAN over IPv6"],
  [1420, "WireGuard"],
  [1400, "IPsec, or a VPN's round number"],
];

/** The tunnel that the connections are seen to take, or what sizes allow. */
function tunnelOf(
  subject: Case,
  stuck: readonly Stuck[],
  lower: number,
  upper: number,
): { text: string; overhead: number } | null {
  const { set } = subject.connected;
  for (const { connection } of stuck.slice(0, 20)) {
    for (const ref of connection.legs) {
      const view = set.view(ref);
      if (view.context === 0) continue;
      const layer = set.trackOf(ref).tracker.contexts.list[view.context]!.findLast(({ version }) => version !== 0);
      const tunnel = layer && TUNNELS[layer.kind];
      if (tunnel)
        return {
          text: `the ${tunnel.name} tunnel to the backends takes ${tunnel.overhead} bytes of each packet`,
          overhead: tunnel.overhead,
        };
    }
  }
  const fitting = KNOWN_MTUS.filter(([mtu]) => mtu >= lower && mtu < upper).map(([mtu, name]) => `${mtu} (${name})`);
  return fitting.length === 0 ? null : { text: `path MTUs that fit: ${fitting.slice(0, 4).join(", ")}`, overhead: 0 };
}

function finding(subject: Case, { group, side, backend, stuck, largestAcked }: StuckPath): Finding {
  const { set } = subject.connected;
  const vip = subject.text(group.vip);
  const smallestLost = Math.min(...stuck.map((one) => one.smallestLost));
  const example = set.view(stuck[0]!.leg);
  const isV6 = example.src[2] !== MAPPED || example.src[0] !== 0;
  const options = example.up.has(L.SIDE_TIMESTAMPS) ? 12 : 0;
  const headers = (isV6 ? 40 : 20) + 20 + options;
  const tunnel = tunnelOf(subject, stuck, largestAcked + headers, smallestLost + headers);
  const connections = stuck.map(({ connection }) => connection);
  const front = subject.front(stuck[0]!.connection);
  const offeredFront = side === 0 ? front.down.mss : front.up.mss;
  const back = subject.back(stuck[0]!.connection);
  const offeredBack = side === 0 ? back.down.mss : back.up.mss;
  const offered = offeredFront || offeredBack;
  const errors = errorsFor(subject, connections);
  const mtus = errors.flatMap(({ error }) => (error.mtu > 0 ? [error.mtu] : []));
  const what = side === 0 ? "requests" : "answers";
  const last = lastSeenAt(subject, stuck[0]!, largestAcked);
  const clamp = (mtus.length > 0 ? Math.min(...mtus) : 1500 - (tunnel?.overhead || 100)) - 40 - (isV6 ? 20 : 0);
  const target = backend === null ? vip : subject.text(backend);
  return {
    id: "path.mtu-blackhole",
    severity: "critical",
    confidence: confidenceFrom(stuck.length),
    title: `${what} of ${smallestLost} bytes and more never arrive ${side === 0 ? `at ${target}` : `from ${target}`}: ${count(stuck.length, "connection")} stall, while up to ${largestAcked} bytes pass`,
    explanation:
      `Handshakes and segments of up to ${largestAcked} bytes are acknowledged; every segment of ${smallestLost} bytes or more is sent again and again without an answer` +
      `${last === null ? "" : `, last seen at ${last}`}. ` +
      `The path takes packets of between ${largestAcked + headers} and ${smallestLost + headers - 1} bytes${tunnel ? `; ${tunnel.text}` : ""}. ` +
      `${offered > 0 ? `The MSS offered is ${offered}${offeredFront === offeredBack && stuck[0]!.connection.legs.length > 1 ? " on both legs: nothing clamps it" : ""}. ` : ""}` +
      (errors.length > 0
        ? `ICMP "too big" (MTU ${Math.min(...mtus)}) was seen ${errors.length} times but does not reach the sender, or is not heeded.`
        : 'No ICMP "too big" was seen: the packets vanish silently.'),
    where: { vip, ...(backend === null ? {} : { backend: subject.text(backend) }) },
    window: windowOf(connections),
    measured: {
      stalledConnections: stuck.length,
      largestAckedBytes: largestAcked,
      smallestLostBytes: smallestLost,
      offeredMssBytes: offered,
      icmpTooBigSeen: errors.length,
      ...(mtus.length > 0 ? { icmpMtuBytes: Math.min(...mtus) } : {}),
      ...(tunnel && tunnel.overhead > 0 ? { tunnelOverheadBytes: tunnel.overhead } : {}),
    },
    connections: connections.map(({ id }) => id),
    evidence: stuck
      .slice(0, 3)
      .map((one) =>
        subject.evidence(one.leg, one.frame, `${one.smallestLost} bytes sent again, ${one.repetitions} times in vain`),
      ),
    displayFilter: `tcp.analysis.retransmission && tcp.len >= ${smallestLost}`,
    remedy: [
      side === 0
        ? `let the backends offer an MSS that fits (their SYN-ACK does not pass a direct-return balancer): ip route change default … advmss ${clamp}; with NAT, on the balancer: nft add rule … tcp flags syn tcp option maxseg size set ${clamp}`
        : `clamp the MSS that clients offer where their SYN passes: nft add rule ip mangle forward tcp flags syn tcp option maxseg size set ${clamp} (or: size set rt mtu)`,
      "or raise the MTU of the links under the tunnel by its overhead: ip link set dev IF mtu 1600 on every hop",
      "let ICMP type 3 code 4 and ICMPv6 type 2 through every filter, and to the balancer that has the flow (RFC 7690); net.ipv4.tcp_mtu_probing=1 on the senders helps meanwhile",
    ],
  };
}

/** "Too big" errors that quote one of these connections, by the ends that the client or the backend uses. */
function errorsFor(subject: Case, connections: readonly Connection[]) {
  const ends = new Set<number>();
  for (const { client, vip, backend } of connections) {
    for (const server of [vip, backend ?? vip]) {
      ends.add(pairKey(client, server));
      ends.add(pairKey(server, client));
    }
  }
  return icmpErrors(subject, isTooBig).filter(({ error }) => {
    const { src, dst } = quotedEnds(subject, error);
    return ends.has(pairKey(src, dst));
  });
}

/** The last point, on the segment's way, that still saw one of the large ones. */
function lastSeenAt(subject: Case, { connection, side }: Stuck, largestAcked: number): string | null {
  const { set } = subject.connected;
  const legs = side === 0 ? connection.legs : connection.legs.toReversed();
  const at = legs.findLast((ref) => set.view(ref).side(side).largestSent > largestAcked);
  return at === undefined || at === legs.at(-1) ? null : set.pointOf(at).name;
}
