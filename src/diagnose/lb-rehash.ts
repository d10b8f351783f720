import { MOVE, SILENCE_BROKEN } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import { macText } from "../path/endpoints.ts";
import type { LegRef } from "../path/leg-set.ts";
import { destinationMac, macHigh, macLow } from "../path/macs.ts";
import { addressText } from "../topology/address.ts";
import { balancerOf } from "./broken-flows.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";

const MIN_MOVED = 3;
/** Flows move with their next packet after the change: within this. */
const BURST_NS = 10e9;
/** A flow that moves more often is sprayed, not moved by a change. */
const MAX_MOVES = 3;
/** A flow that was silent for longer may have been forgotten instead. */
const RECENT_NS = 2e9;
/** The same packet at two points. */
const SAME_PACKET_NS = 50e6;
/** Of the moved flows, those that had been talking: where a stateful balancer forgets idle ones, few had. */
const MIN_RECENT_SHARE = 0.5;

/** An established flow that its own balancer sent to another backend. */
interface Rebalanced {
  connection: Connection;
  from: string;
  to: string;
  /** ns on the reference clock. */
  time: number;
  silence: number;
  ref: LegRef;
  frame: number;
}

/**
 * `lb.rehash`: a stateless balancer's set of backends changed, and established flows go on at other backends: to
 * another destination MAC, or in a tunnel to another outer destination.
 */
export const lbRehash: Detector = {
  ids: ["lb.rehash"],
  find: (subject) => subject.vips.flatMap((group) => rehashOf(subject, group) ?? []),
};

function rehashOf(subject: Case, group: VipGroup): Finding | null {
  if (group.protocol !== 6) return null;
  const all: Rebalanced[] = [];
  for (const connection of group.connections) {
    const move =
      connection.mode === "dsr-l2"
        ? movedByMac(subject, connection)
        : connection.mode === "dsr-tunnel"
          ? movedByTunnel(subject, connection)
          : null;
    if (move) all.push(move);
  }
  const moves = densest(all);
  if (moves.length < MIN_MOVED) return null;
  const recent = moves.filter(({ silence }) => silence <= RECENT_NS);
  if (recent.length < moves.length * MIN_RECENT_SHARE || isNextHop(group, moves)) return null;
  return finding(subject, group, moves);
}

/** All open flows went from one MAC to one other: a router's next hop changed, and nobody was shared out by it. */
function isNextHop(group: VipGroup, moves: readonly Rebalanced[]): boolean {
  const { time, from, to } = moves[0]!;
  if (moves.some((move) => move.from !== from || move.to !== to)) return false;
  const moved = new Set(moves.map(({ connection }) => connection));
  return !group.connections.some((one) => one.start < time && one.end >= time && !moved.has(one));
}

/** Frames leave the balancer for another MAC than before. */
function movedByMac(subject: Case, connection: Connection): Rebalanced | null {
  const { set } = subject.connected;
  for (const [i, ref] of connection.legs.entries()) {
    const view = subject.leg(ref);
    if (view.up.macChanges === 0) continue;
    const isBalancers = connection.hops[i] === "dsr-l2";
    const track = set.trackOf(ref);
    let first: Rebalanced | null = null;
    let moves = 0;
    for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
      if (event.kind !== MOVE || event.side !== 0) continue;
      // Copies are what leaves the box; a balancer with two interfaces has a leg of its own for them.
      if (event.extra[3] !== 1 && !(isBalancers && !view.passesTwice(0))) continue;
      const from = destinationMac([event.extra[0]!, event.extra[1]!, event.extra[2]!]);
      const to = destinationMac(event.mac);
      if (from === to || to === 0) continue;
      moves++;
      first ??= {
        connection,
        from: macText(macHigh(from), macLow(from)),
        to: macText(macHigh(to), macLow(to)),
        time: subject.reference(ref, event.time),
        silence: silenceBefore(subject, connection, subject.reference(ref, event.time)),
        ref,
        frame: event.frame,
      };
    }
    if (first) return moves <= MAX_MOVES ? first : null;
  }
  return null;
}

/** Silence of the client's own leg that the packet of about this time broke, ns; 0 where there was none. */
function silenceBefore(subject: Case, { front }: Connection, time: number): number {
  const track = subject.connected.set.trackOf(front);
  const leg = subject.leg(front).leg;
  let silence = 0;
  for (const event of track.tracker.events.of(track.tracker.legs, leg)) {
    if (event.kind !== SILENCE_BROKEN || Math.abs(subject.reference(front, event.time) - time) > SAME_PACKET_NS)
      continue;
    silence = event.time - event.otherTime;
  }
  return silence;
}

/** The flow goes on, without a SYN, in the tunnel to another backend. */
function movedByTunnel(subject: Case, connection: Connection): Rebalanced | null {
  let own: { target: string; end: number } | null = null;
  let piece: Rebalanced | null = null;
  const targets = new Set<string>();
  for (const ref of connection.legs) {
    const target = tunnelTarget(subject, ref);
    if (target === null) continue;
    const view = subject.leg(ref);
    if (view.has(L.LEG_SYN)) {
      // A switch may flood the first frame to everybody.
      if (view.up.has(L.SIDE_HAS_ACK) || own === null) own = { target, end: subject.reference(ref, view.up.lastTime) };
      continue;
    }
    const time = subject.reference(ref, view.up.firstTime);
    targets.add(target);
    if (piece && piece.time <= time) continue;
    piece = { connection, from: "", to: target, time, silence: 0, ref, frame: view.firstFrame };
  }
  if (!own || !piece || own.target === piece.to || targets.size > MAX_MOVES || piece.time < own.end) return null;
  return { ...piece, from: own.target, silence: silenceBefore(subject, connection, piece.time) };
}

/** Outer destination of a leg inside a tunnel that only requests take; null for other legs. */
function tunnelTarget(subject: Case, ref: LegRef): string | null {
  const view = subject.leg(ref);
  if (!view.isInTunnel || view.up.packets === 0 || view.down.packets > 0) return null;
  const layers = subject.connected.set.trackOf(ref).tracker.contexts.list[view.context]!;
  const tunnel = layers.findLast((layer) => layer.version !== 0);
  if (!tunnel) return null;
  return addressText(view.has(L.LEG_TUNNEL_FROM_LOW) ? tunnel.high : tunnel.low);
}

function densest(moves: readonly Rebalanced[]): Rebalanced[] {
  const sorted = moves.toSorted((a, b) => a.time - b.time);
  let best: Rebalanced[] = [];
  let from = 0;
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]!.time - sorted[from]!.time > BURST_NS) from++;
    if (to - from + 1 > best.length) best = sorted.slice(from, to + 1);
  }
  return best;
}

/** What became of the set of backends. */
interface SetChange {
  /** Share of the open flows that a consistent hash moves. */
  share: number;
  before: number;
  after: number;
  left: readonly string[];
  joined: readonly string[];
}

/**
 * Share of the flows that a change of the set must move: by the backends that flows were at before and after, and
 * where none went on, by those that moved.
 */
function changeOf(subject: Case, group: VipGroup, moves: readonly Rebalanced[]): SetChange {
  const at = moves[0]!.time;
  const before = new Set<number>();
  const after = new Set<number>();
  const moved = new Set(moves.map(({ connection }) => connection));
  let hasLater = false;
  for (const connection of group.connections) {
    const { backend, start } = connection;
    if (backend === null) continue;
    if (start < at) before.add(backend);
    const goesOn = !moved.has(connection) && subject.reference(connection.front, lastRequest(subject, connection)) > at;
    if (start < at && !goesOn) continue;
    hasLater = true;
    after.add(backend);
  }
  // A backend that flows were moved to is there, whoever else still is.
  const backendAt = new Map(moves.map(({ from, connection }) => [from, connection.backend]));
  for (const { to } of moves) {
    const backend = backendAt.get(to) ?? null;
    if (backend !== null) after.add(backend);
  }
  let left = [...before].filter((backend) => !after.has(backend)).map((backend) => subject.text(backend));
  let joined = [...after].filter((backend) => !before.has(backend)).map((backend) => subject.text(backend));
  if (!hasLater) {
    const targets = new Set(moves.map(({ to }) => to));
    const sources = new Set(moves.map(({ from }) => from));
    left = [...sources].filter((source) => !targets.has(source));
    joined = left.length === 0 ? [...targets].filter((target) => !sources.has(target)) : [];
  }
  const total = before.size - left.length + joined.length;
  const share = left.length > 0 ? left.length / before.size : Math.max(1, joined.length) / Math.max(1, total);
  return { share, before: before.size, after: total, left, joined };
}

/** The client's last packet, on its own leg's clock. */
function lastRequest(subject: Case, connection: Connection): number {
  return subject.front(connection).up.lastTime;
}

/** The node that most of the moved flows were sent on by. */
function mainSender(subject: Case, moves: readonly Rebalanced[]): string {
  const counts = new Map<string, number>();
  for (const move of moves) {
    const node = senderOf(subject, move);
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

/** The node that sends a moved flow on: it sees its requests as they come, and as they leave in the tunnel. */
function senderOf(subject: Case, { connection, ref }: Rebalanced): string {
  const isTunnelled = (leg: LegRef) => subject.leg(leg).isInTunnel;
  if (!isTunnelled(ref)) return balancerOf(subject, connection, null);
  const came = connection.legs.filter((leg) => !isTunnelled(leg) && subject.leg(leg).up.packets > 0);
  const plain = new Set(came.map((leg) => subject.nodeOf(leg)));
  const sending = connection.legs.find((leg) => isTunnelled(leg) && plain.has(subject.nodeOf(leg)));
  if (sending !== undefined) return subject.nodeOf(sending);
  // who takes packets out of tunnels does not put them in
  const balancer = balancerOf(subject, connection, null);
  return plain.has(balancer) ? balancer : "";
}

function finding(subject: Case, group: VipGroup, moves: readonly Rebalanced[]): Finding {
  const at = moves[0]!.time;
  const name = subject.text(group.vip);
  const node = mainSender(subject, moves);
  const balancer = node === "" ? "the load balancer" : node;
  const moved = new Set(moves.map(({ connection }) => connection));
  const open = group.connections.filter(({ start, end }) => start < at && end >= at).length;
  const broken = moves.filter(({ connection }) => ["reset", "timeout"].includes(subject.outcome(connection)));
  const ideal = changeOf(subject, group, moves);
  const changed = [...ideal.left, ...ideal.joined];
  const change =
    changed.length === 0 ? "" : ` ${[...words(ideal.left, "left"), ...words(ideal.joined, "joined")].join("; ")}.`;
  const targets = new Set(moves.map(({ to }) => to));
  const sources = new Set(moves.map(({ from }) => from));
  const last = moves.at(-1)!.time;
  return {
    id: "lb.rehash",
    severity: broken.length > 0 ? "critical" : "warning",
    confidence: confidenceFrom(moves.length),
    title: `${balancer} sent ${moved.size} of ${open} open connections to ${name} to other backends when its set changed${broken.length > 0 ? `; ${broken.length} broke` : ""}`,
    explanation:
      `Within ${duration(last - at)} packets of ${count(moved.size, "established connection")} left for another backend than before, from ${[...sources].slice(0, 4).join(", ")} to ${[...targets].slice(0, 4).join(", ")}.${change} ` +
      `${broken.length > 0 ? `The new backends had never seen their SYN: ${count(broken.length, "connection")} ended in a reset or in silence. ` : ""}` +
      `${percent(moved.size, open)} of the open connections moved; ${ideal.before} backends before and ${ideal.after} after need ${percent(ideal.share, 1)} with a consistent hash.`,
    where: {
      vip: name,
      ...(node === "" ? {} : { node }),
      ...(changed.length === 1 ? { backend: changed[0]! } : {}),
    },
    window: { from: at, to: last },
    measured: {
      movedConnections: moved.size,
      openConnections: open,
      brokenConnections: broken.length,
      movedShare: Math.round((1000 * moved.size) / Math.max(1, open)) / 1000,
      idealShare: Math.round(ideal.share * 1000) / 1000,
      backendsBefore: ideal.before,
      backendsAfter: ideal.after,
    },
    connections: moves.map(({ connection }) => connection.id),
    evidence: moves.slice(0, 3).flatMap(({ ref, frame, from, to, connection }) => {
      const reset = subject.mainReset(connection);
      const seen = [subject.evidence(ref, frame, `goes on to ${to}, until then ${from}`)];
      return reset ? [...seen, subject.evidence(reset.ref, reset.event.frame, "and is reset there")] : seen;
    }),
    displayFilter: "tcp.flags.reset==1 && tcp.flags.ack==0",
    remedy: [
      "hash consistently, so that a change moves only what it must: katran and IPVS `mh` (Maglev): `ipvsadm -E -t VIP:PORT -s mh`",
      "or keep state for open connections, and take backends out with weight 0 until they are empty",
    ],
    explains: { cause: "no-state" },
  };
}

function words(backends: readonly string[], what: string): string[] {
  return backends.length === 0 ? [] : [`${backends.slice(0, 4).join(", ")} ${what}`];
}
