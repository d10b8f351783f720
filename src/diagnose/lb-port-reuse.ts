import { ACK, SYN } from "../decode/packet.ts";
import { RESET } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { backLeg } from "./balancer-ports.ts";
import { balancerOf } from "./broken-flows.ts";
import type { Case, VipGroup } from "./case.ts";
import { confidenceFrom, count, duration, percent } from "./confidence.ts";
import type { Detector } from "./detector.ts";
import type { Finding } from "./finding.ts";
import { ownersOf, scanLegs } from "./leg-scan.ts";
import { isOfEarlierLife } from "./reset-sightings.ts";

const MIN_REUSED = 3;
const MIN_REUSED_SHARE = 0.01;
/** A client that waits this long for its connection feels it. */
const FELT_NS = 0.8e9;

/** IPVS before Linux 5.9 drops the SYN of a reused port, whose repetition comes a second later. */
const REPEATED_AFTER_NS = [0.8e9, 1.4e9] as const;
/** An earlier life of a 4-tuple matters as long as somebody may remember it. */
const REMEMBERED_NS = 120e9;

/** A connection whose SYN met an earlier life of its 4-tuple. */
interface Collision {
  connection: Connection;
  ref: LegRef;
  frame: number;
  time: number;
  /** From the client's first SYN until it was answered with a SYN-ACK; NaN where it was not. */
  delay: number;
  /** True where the balancer chose the port. */
  isBalancers: boolean;
}

/**
 * `lb.port-reuse`: a SYN falls into a 4-tuple that the backend still holds in TIME-WAIT: it answers with an ACK of the
 * old connection, gets a reset, and the SYN is repeated (RFC 9293 3.6.1, RFC 6191).
 */
export const lbPortReuse: Detector = {
  ids: ["lb.port-reuse"],
  find: (subject) => subject.vips.flatMap((group) => reuseOf(subject, group) ?? []),
};

function reuseOf(subject: Case, group: VipGroup): Finding | null {
  if (group.protocol !== 6) return null;
  const delayed = delayedReuse(subject, group);
  if (delayed) return delayed;
  const collisions: Collision[] = [];
  // The SYN is sent again, on the same 4-tuple or through another port; a leg that goes on counts as no reset.
  for (const connection of new Set([...group.withResets, ...withRepeatedSyn(subject, group)])) {
    const collision = collisionOf(subject, connection);
    if (collision) collisions.push(collision);
  }
  const balancers = collisions.filter(({ isBalancers }) => isBalancers);
  // Ports that clients choose are theirs, or those of a NAT before the balancer: it takes more of them to say so.
  const own = balancers.length >= MIN_REUSED ? balancers : collisions;
  const least = own === balancers ? MIN_REUSED : 2 * MIN_REUSED;
  if (own.length < Math.max(least, group.connections.length * MIN_REUSED_SHARE)) return null;
  return finding(subject, group, own, own === balancers);
}

/** Connections of a group whose client sent its SYN again, by start. */
function withRepeatedSyn(subject: Case, group: VipGroup): Connection[] {
  const { repeatedSyns } = scanLegs(subject);
  if (repeatedSyns.size === 0) return [];
  return [...ownersOf(subject, [...repeatedSyns])]
    .filter(([ref, connection]) => ref === connection.front && subject.isOf(group, connection))
    .map(([, connection]) => connection)
    .sort((a, b) => a.start - b.start);
}

function collisionOf(subject: Case, connection: Connection): Collision | null {
  const { set } = subject.connected;
  const back = backLeg(connection.hops, connection.legs);
  for (const ref of [...connection.legs].reverse()) {
    const view = subject.leg(ref);
    if (!view.has(L.LEG_SYN) || view.up.resets === 0) continue;
    const track = set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
      if (event.kind !== RESET || event.side !== 0 || (event.flags & ACK) !== 0) continue;
      // What it answers is an ACK without SYN, before any SYN-ACK: the other end holds an old connection.
      const hadAnswer = (event.extra[6]! & L.LEG_SYN_ACK) !== 0;
      if (hadAnswer || (event.extra[3]! & (SYN | ACK)) !== ACK || !isOfEarlierLife(view, event)) continue;
      const front = subject.front(connection);
      return {
        connection,
        ref,
        frame: event.frame,
        time: subject.reference(ref, event.time),
        delay: front.down.synTime - front.up.synTime,
        isBalancers: back !== null,
      };
    }
  }
  return null;
}

function finding(subject: Case, group: VipGroup, collisions: readonly Collision[], isBalancers: boolean): Finding {
  const name = subject.text(group.vip);
  const first = collisions[0]!;
  const node = isBalancers ? subject.nodeOf(backLeg(first.connection.hops, first.connection.legs)!) : null;
  const delays = collisions.map(({ delay }) => delay).filter((delay) => !Number.isNaN(delay));
  const sorted = delays.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? 0;
  const longest = sorted.at(-1) ?? 0;
  const failed = collisions.length - delays.length;
  const felt = delays.filter((delay) => delay >= FELT_NS).length + failed;
  const times = collisions.map(({ time }) => time);
  const who = node ?? "Something before the load balancer";
  return {
    id: "lb.port-reuse",
    severity: felt > 0 && felt >= collisions.length * 0.1 ? "critical" : "warning",
    confidence: confidenceFrom(collisions.length),
    title: `${who} reuses source ports that backends still hold: ${collisions.length} of ${group.connections.length} connections to ${name} had to try again (longest ${duration(longest)})`,
    explanation:
      `${count(collisions.length, "SYN")} (${percent(collisions.length, group.connections.length)}) fell into a 4-tuple that the backend still held in TIME-WAIT: it answered with an ACK of the old connection, got a reset, and the SYN had to be sent again. ` +
      `The handshake took ${duration(median)} instead (median; longest ${duration(longest)})${failed > 0 ? `, and ${count(failed, "connection")} never opened` : ""}. ` +
      (isBalancers
        ? "The source port is the balancer's choice: it has too few of them for the rate of new connections."
        : "The balancer passes the client's own port on: the clients, or a NAT before it, have too few of them."),
    where: { vip: name, ...(node === null ? {} : { node }) },
    window: { from: Math.min(...times), to: Math.max(...times) },
    measured: {
      collisions: collisions.length,
      connections: group.connections.length,
      medianHandshakeSeconds: Math.round(median / 1e3) / 1e6,
      longestHandshakeSeconds: Math.round(longest / 1e3) / 1e6,
      neverOpened: failed,
    },
    connections: collisions.map(({ connection }) => connection.id),
    evidence: collisions
      .slice(0, 4)
      .map(({ ref, frame }) => subject.evidence(ref, frame, "a reset for an ACK that answered a SYN: TIME-WAIT")),
    displayFilter: "tcp.flags.reset==1 && tcp.flags.ack==0 || tcp.analysis.reused_ports",
    remedy: isBalancers
      ? [
          'more source ports or addresses for the balancer: a wider `snat to` range, HAProxy `source` with several addresses, sysctl net.ipv4.ip_local_port_range="1024 65535"',
          "timestamps on both ends let a backend take a new SYN at once: sysctl net.ipv4.tcp_timestamps=1 there, and do not strip them",
          "IPVS: sysctl net.ipv4.vs.conn_reuse_mode=1 with Linux 5.9 or later (before, a reused port waits 1 s)",
        ]
      : [
          "see which NAT the clients come through, and give it more addresses",
          "IPVS: sysctl net.ipv4.vs.conn_reuse_mode=1 with Linux 5.9 or later (before, a reused port waits 1 s)",
        ],
    explains: { cause: "port-reuse" },
  };
}

/**
 * The balancer itself holds the old connection of a client's port: it drops the SYN and lets the repetition pass, one
 * second later. Only calls with an earlier life of their 4-tuple suffer, others pass at once.
 */
function delayedReuse(subject: Case, group: VipGroup): Finding | null {
  const late = withRepeatedSyn(subject, group).filter((connection) => {
    if (connection.back === connection.front) return false;
    const passed = subject.back(connection).up.synTime;
    const called = subject.reference(connection.front, subject.front(connection).up.synTime);
    const delay = subject.reference(connection.back, passed) - called;
    return delay >= REPEATED_AFTER_NS[0] && delay <= REPEATED_AFTER_NS[1];
  });
  if (late.length < MIN_REUSED) return null;
  const isLate = new Set(late);
  const ended = new Map<number, number>();
  const reused: Connection[] = [];
  let reusedInTime = 0;
  for (const connection of group.connections) {
    const before = ended.get(connection.client);
    if (before !== undefined && connection.start - before < REMEMBERED_NS) {
      if (isLate.has(connection)) reused.push(connection);
      else reusedInTime++;
    }
    ended.set(connection.client, connection.end);
  }
  if (reused.length < Math.max(MIN_REUSED, late.length * 0.8) || reusedInTime > reused.length) return null;
  const name = subject.text(group.vip);
  const node = balancerOf(subject, reused[0]!, null);
  return {
    id: "lb.port-reuse",
    severity: "critical",
    confidence: confidenceFrom(reused.length, 0.9),
    title: `${node === "" ? "The load balancer" : node} lets ${count(reused.length, "connection")} to ${name} wait a second because their clients reuse a port`,
    explanation: `${count(reused.length, "SYN")} of clients that used the same port before (within ${REMEMBERED_NS / 1e9} s) reached the balancer and went no further; the repetition a second later passed. Calls from fresh ports pass at once. So does IPVS before Linux 5.9 while it still holds the old connection.`,
    where: { vip: name, ...(node === "" ? {} : { node }) },
    window: { from: reused[0]!.start, to: reused.at(-1)!.start },
    measured: { delayedConnections: reused.length, reusedWithoutDelay: reusedInTime, delaySeconds: 1 },
    connections: reused.map(({ id }) => id),
    evidence: reused
      .slice(0, 3)
      .map(({ front }) =>
        subject.evidence(front, subject.leg(front).up.synFrame, "a reused port; passed on a second later"),
      ),
    displayFilter: "tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.analysis.retransmission",
    remedy: [
      "Linux 5.9 or later on the balancer, with sysctl net.ipv4.vs.conn_reuse_mode=1",
      "before that: sysctl net.ipv4.vs.conn_reuse_mode=0 (a reused port keeps its old backend)",
    ],
  };
}
