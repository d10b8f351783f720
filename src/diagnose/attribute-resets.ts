import { ACK, SYN } from "../decode/packet.ts";
import { AFTER_RESET, type LegEvent, SILENCE_BROKEN } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connected } from "../path/connect.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { destinationMac, isInitialTtl, sourceMac } from "../path/macs.ts";
import { isHarmless } from "../path/outcome.ts";
import { ResetAbsences } from "./reset-absences.ts";
import {
  hasReset,
  isOfEarlierLife,
  resetsOf,
  SAME_RESET_NS,
  type SessionLegs,
  type Sighting,
  sessionsOf,
} from "./reset-sightings.ts";
import type { ResetAuthor, ResetCause, ResetVerdict } from "./reset-verdict.ts";

/** A reset that answers comes this soon after what it answers. */
const ANSWER_NS = 3e9;
/** A packet passes two points within this, clocks corrected. */
const SAME_PACKET_NS = 20e6;
/** Return paths of equal cost may differ by this many hops (FINDINGS.md). */
const TTL_SLACK = 2;
const INITIAL_TTLS = [32, 64, 128, 255];

/**
 * Says of every reset who sent it and why, by the clues of FINDINGS.md in their order: where on the path it appears
 * first, whether it fits its pretended sender's fingerprint in the same flow, whether that sender goes on, its shape.
 *
 * @param balancers nodes that are load balancers, see `balancerNodes`
 * @returns verdicts by connection id, earliest first
 */
export function attributeResets(connected: Connected, balancers: ReadonlySet<string>): Map<number, ResetVerdict[]> {
  const { set, connections } = connected;
  const verdicts = new Map<number, ResetVerdict[]>();
  const absences = new ResetAbsences(connected);
  for (const connection of connections) {
    if (connection.protocol !== 6) continue;
    if (!hasReset(set, connection.legs)) continue;
    const list: ResetVerdict[] = [];
    for (const session of sessionsOf(connection)) {
      for (const sightings of resetsOf(connected, session)) {
        absences.sawTogether(sightings);
        list.push(judge(connected, connection, session, sightings, balancers, absences));
      }
    }
    list.sort((a, b) => a.time - b.time);
    if (list.length > 0) verdicts.set(connection.id, list);
  }
  absences.settle();
  return verdicts;
}

/** Nodes on which connections are rewritten or sent on to their backends: load balancers. */
export function balancerNodes(connected: Connected): ReadonlySet<string> {
  const { set, connections } = connected;
  const nodes = new Set<string>();
  const compared = new Set<number>();
  for (const { legs, hops } of connections) {
    for (let i = 1; i < legs.length; i++) {
      if (hops[i] === "forward") continue;
      const before = set.pointOf(legs[i - 1]!);
      const after = set.pointOf(legs[i]!);
      const pair = before.index * set.points.length + after.index;
      if (compared.has(pair)) continue;
      compared.add(pair);
      if (before.nodeName === after.nodeName) nodes.add(after.nodeName);
    }
    if (nodes.size > 64) break;
  }
  return nodes;
}

function judge(
  connected: Connected,
  connection: Connection,
  session: SessionLegs,
  sightings: readonly Sighting[],
  balancers: ReadonlySet<string>,
  absences: ResetAbsences,
): ResetVerdict {
  const side = sightings[0]!.event.side;
  const nearest = sightings.reduce((best, sighting) =>
    side === 1 ? (sighting.index > best.index ? sighting : best) : sighting.index < best.index ? sighting : best,
  );
  const clues: string[] = [];
  const { by, confidence, beyond, isUnclear } = author(
    connected,
    connection,
    session,
    nearest,
    sightings,
    balancers,
    clues,
  );
  const verdict: ResetVerdict = {
    connection: connection.id,
    by,
    cause: "unknown",
    confidence,
    clues,
    ref: nearest.ref,
    event: nearest.event,
    side,
    time: nearest.time,
    silenceBefore: silenceBefore(connected, session, nearest),
    isFront: session.isFront,
    mac: sourceMac(nearest.event.mac),
    isHarmless: false,
  };
  verdict.cause = causeOf(connected, connection, verdict);
  verdict.isHarmless = harmless(connected, verdict);
  if (beyond !== undefined) absences.missed(verdict, beyond, isUnclear === true);
  return verdict;
}

interface Authorship {
  by: ResetAuthor;
  confidence: number;
  /** The leg on which it was missed, where that made the verdict. */
  beyond?: LegRef;
  /** True where that alone did. */
  isUnclear?: boolean;
}

function author(
  connected: Connected,
  connection: Connection,
  session: SessionLegs,
  nearest: Sighting,
  sightings: readonly Sighting[],
  balancers: ReadonlySet<string>,
  clues: string[],
): Authorship {
  const { set } = connected;
  const { event } = nearest;
  const side = event.side;
  if (side === 0 && isDirectReply(connected, connection, session, nearest.ref)) {
    clues.push("it answers an address that the client never called");
    return { by: "client", confidence: 0.95 };
  }
  const forged = forgeryClues(connected, nearest, clues);
  const beyond = legBeyond(connected, session, nearest, sightings);
  const view = set.view(nearest.ref);
  const hasHandshake = view.has(L.LEG_SYN | L.LEG_SYN_ACK);
  const node = set.pointOf(nearest.ref).nodeName;

  let hasMoved = false;
  if (beyond !== null) {
    const between = `seen at ${set.pointOf(nearest.ref).name}, not at ${set.pointOf(beyond).name}, nearer to its sender`;
    const isNear = hopsOf(event.ttl) <= hopsOf(view.side(side).ttl.first) + TTL_SLACK;
    if (!sameTuple(connected, beyond, nearest.ref)) {
      clues.push(between);
      // A balancer's own resets differ from what it passes on. So do those of a box beside it, where both may be meant.
      const isBalancers = set.pointOf(beyond).nodeName === node || (forged < 2 && isNear);
      if (!isBalancers) return { by: "unknown", confidence: 0.3 };
      return { by: "lb", confidence: forged >= 2 ? 0.6 : 0.95, beyond };
    }
    // A host to which the flow had moved, and that looks like one of the path's, answers in its own name.
    hasMoved = isNear && !sawAnswered(connected, nearest, beyond);
    if (!hasMoved) {
      clues.push(between);
      // On an unchanged stretch nobody but a box in between can have made it.
      if (forged === 0 && isInitialTtl(event.ttl) && balancers.has(node)) {
        // its neighbour's packets begin with the same TTL
        return { by: "lb", confidence: 0.9, beyond, isUnclear: isInitialTtl(view.side(side).ttl.first) };
      }
      return { by: "middlebox", confidence: forged > 0 ? 0.97 : 0.85, beyond, isUnclear: forged === 0 };
    }
  }
  // The neighbour that passes the sender's packets on made this one: a balancer does, and its backends go on sending.
  if (forged >= 2 && !hasMoved && isInitialTtl(event.ttl) && isNeighbours(view, event)) {
    return balancers.has(node) ? { by: "lb", confidence: 0.85 } : { by: "unknown", confidence: 0.3 };
  }
  if (forged >= 2 && !hasMoved) return { by: "middlebox", confidence: 0.9 };

  if (side === 0) return { by: session.upper, confidence: forged > 0 ? 0.6 : 0.93 };
  const isLastStretch = sameTuple(connected, connection.back, nearest.ref) || !session.isFront;
  if (session.upper === "lb" && session.isFront) {
    clues.push("the balancer's own connection");
    return { by: "backend", confidence: forged > 0 ? 0.6 : 0.93 };
  }
  if (session.lower === "lb") return { by: "lb", confidence: forged > 0 ? 0.6 : 0.95 };
  if (isLastStretch && connection.backend !== null) {
    clues.push(`seen on the backend's own leg at ${set.pointOf(nearest.ref).name}`);
    return { by: "backend", confidence: forged > 0 ? 0.6 : 0.95 };
  }
  // A piece of a flow that some other box or backend got in mid-stream and did not know.
  if (!hasHandshake) {
    if (isBackendAddress(connected, connection, nearest.ref)) {
      clues.push("another backend got the flow in mid-stream");
      return { by: "backend", confidence: 0.93 };
    }
    if (isInitialTtl(event.ttl)) {
      clues.push(`TTL ${event.ttl}: made by the box that was asked`);
      return { by: balancers.has(node) || connection.mode !== null ? "lb" : "unknown", confidence: 0.93 };
    }
  }
  const expected = view.down.ttl;
  const wasForwarded = view.has(L.LEG_SYN_ACK) && !isInitialTtl(expected.first);
  if (isInitialTtl(event.ttl) && wasForwarded && (balancers.has(node) || event.ttl > expected.highest)) {
    clues.push(
      `TTL ${event.ttl} where the backend's packets arrive with ${expected.first}: made by the balancer itself`,
    );
    return { by: "lb", confidence: 0.85 };
  }
  // A balancer's own would come with one more, as it is one hop nearer.
  if (view.has(L.LEG_SYN_ACK) && forged === 0 && event.ttl <= expected.highest) {
    clues.push("TTL, identification and timestamps as in this flow's SYN-ACK");
    return { by: connection.mode === "proxy" ? "lb" : "backend", confidence: 0.7 };
  }
  return { by: "unknown", confidence: 0.3 };
}

/**
 * From the MAC that passes the side's other packets on, or to which the other side's packets have moved: a box on the way,
 * not one beside it.
 */
function isNeighbours(view: LegView, event: LegEvent): boolean {
  const { mac, ttl, packets, resets } = view.side(event.side);
  const asked = view.side(1 - event.side);
  const source = sourceMac(event.mac);
  if (source === 0) return false;
  if (asked.macChanges > 0 && source === destinationMac(asked.mac)) return true;
  return packets > resets && source === sourceMac(mac) && !isInitialTtl(ttl.first);
}

/** Routers that a packet has passed, from the TTL that hosts and boxes begin with. */
function hopsOf(ttl: number): number {
  return (INITIAL_TTLS.find((initial) => initial >= ttl) ?? ttl) - ttl;
}

/** A leg that begins with the answer, from an address behind the VIP: the reply took a way past the balancer. */
function isDirectReply(connected: Connected, connection: Connection, session: SessionLegs, ref: LegRef): boolean {
  if (!session.isFront || connection.mode === "proxy" || connection.role === "balancer") return false;
  const view = connected.set.view(ref);
  if (view.has(L.LEG_SYN)) return false;
  return connected.endpoints.ofWords(view.dst, view.dstPort) !== connection.vip;
}

/** Clues that the pretended sender did not write it: fingerprint and race. */
function forgeryClues(connected: Connected, { ref, event }: Sighting, clues: string[]): number {
  const { set } = connected;
  const track = set.trackOf(ref);
  const ttl = event.extra[7]!;
  const traits = event.extra[9]!;
  let count = 0;
  if ((traits & L.SIDE_SEEN) !== 0 && ttl !== 0) {
    const lowest = ttl & 0xff;
    const highest = (ttl >>> 8) & 0xff;
    if (event.ttl < lowest - TTL_SLACK || event.ttl > highest + TTL_SLACK) {
      clues.push(
        `TTL ${event.ttl}, its sender's packets in this flow have ${lowest === highest ? lowest : `${lowest}-${highest}`}`,
      );
      count++;
    }
  }
  for (const later of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
    if (later.kind === AFTER_RESET && later.side === event.side && later.time > event.time && later.length > 0) {
      clues.push("its pretended sender went on sending data");
      count++;
      break;
    }
  }
  const hasTimestamps = (traits & L.SIDE_TIMESTAMPS) !== 0 && (traits & L.SIDE_NO_TIMESTAMPS) === 0;
  const isAbort = (event.flags & ACK) !== 0;
  if (isAbort && hasTimestamps && (event.options & 16) === 0 && count > 0) {
    clues.push("no timestamps in a flow that has them");
    count++;
  }
  return count;
}

/**
 * The next leg towards the reset's sender that should have seen it and did not: it carried that direction and was
 * still being captured.
 */
function legBeyond(
  connected: Connected,
  session: SessionLegs,
  nearest: Sighting,
  sightings: readonly Sighting[],
): LegRef | null {
  const { set } = connected;
  const { side } = nearest.event;
  const step = side === 1 ? 1 : -1;
  const isStray = !set.view(nearest.ref).has(L.LEG_SYN | L.LEG_SYN_ACK);
  for (let index = nearest.index + step; index >= 0 && index < session.legs.length; index += step) {
    const ref = session.legs[index]!;
    if (sightings.some((sighting) => sighting.ref === ref)) continue;
    const view = set.view(ref);
    if (view.side(side).packets === 0 || !view.has(L.LEG_SYN | L.LEG_SYN_ACK)) continue;
    // A 4-tuple tried again and again has several legs at a point: one that saw the reset speaks for all.
    const point = set.pointOf(ref);
    if (sightings.some((sighting) => set.pointOf(sighting.ref) === point && sameTuple(connected, sighting.ref, ref)))
      continue;
    if (capturedUntil(connected, ref) < nearest.time) continue;
    // A flow that had moved away was not expected at the old place any more.
    if (isStray || (nearest.event.side === 1 && wasElsewhere(connected, session, nearest, ref))) return null;
    return ref;
  }
  return null;
}

/** False where what the reset answers did not come to a leg: its flow had left, or never passed there in that direction. */
function sawAnswered({ set, order }: Connected, { ref, event }: Sighting, beyond: LegRef): boolean {
  if (Number.isNaN(event.otherTime) || set.view(ref).side(1 - event.side).packets === 0) return true;
  const other = set.view(beyond).side(1 - event.side);
  if (other.packets === 0) return false;
  return other.lastTime - order.shiftOf(beyond) > event.otherTime - order.shiftOf(ref) - SAME_PACKET_NS;
}

/** Until when a leg's node was captured, by any of its captures: they are started and stopped together. */
function capturedUntil(connected: Connected, ref: LegRef): number {
  const { set, order } = connected;
  const node = set.pointOf(ref).nodeName;
  let until = Number.NEGATIVE_INFINITY;
  for (const point of set.points) {
    if (point.nodeName === node) until = Math.max(until, set.captures[point.capture]!.lastTime);
  }
  return until - order.shiftOf(ref);
}

/** True where a stray piece of the flow was alive around the reset: the flow had left the leg that did not see it. */
function wasElsewhere(connected: Connected, session: SessionLegs, nearest: Sighting, ref: LegRef): boolean {
  const { set, order } = connected;
  return session.legs.some((other) => {
    if (other === ref) return false;
    const view = set.view(other);
    if (view.has(L.LEG_SYN | L.LEG_SYN_ACK) || view.up.packets === 0) return false;
    return Math.abs(view.end - order.shiftOf(other) - nearest.time) < SAME_RESET_NS && other === nearest.ref;
  });
}

function sameTuple(connected: Connected, a: LegRef, b: LegRef): boolean {
  const { set, endpoints } = connected;
  const one = set.view(a);
  const dst = endpoints.ofWords(one.dst, one.dstPort);
  const src = endpoints.ofWords(one.src, one.srcPort);
  const other = set.view(b);
  return dst === endpoints.ofWords(other.dst, other.dstPort) && src === endpoints.ofWords(other.src, other.srcPort);
}

/** True where a leg's destination is not the VIP: the flow was translated to some backend. */
function isBackendAddress(connected: Connected, connection: Connection, ref: LegRef): boolean {
  const { set, endpoints } = connected;
  const view = set.view(ref);
  if (endpoints.ofWords(view.dst, view.dstPort) !== connection.vip) return true;
  return connection.mode === "dsr-l2" || connection.mode === "dsr-tunnel";
}

function silenceBefore(connected: Connected, session: SessionLegs, nearest: Sighting): number {
  const { set, order } = connected;
  let longest = 0;
  for (const ref of session.legs) {
    const track = set.trackOf(ref);
    if (set.view(ref).eventCount === 0) continue;
    const shift = order.shiftOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, set.legOf(ref))) {
      if (event.kind !== SILENCE_BROKEN) continue;
      const age = nearest.time - (event.time - shift);
      if (age < -SAME_RESET_NS / 1000 || age > ANSWER_NS) continue;
      longest = Math.max(longest, event.time - event.otherTime);
    }
  }
  return longest;
}

function causeOf(connected: Connected, connection: Connection, verdict: ResetVerdict): ResetCause {
  const { event, side, by } = verdict;
  const state = event.extra[6]!;
  const isAbort = (event.flags & ACK) !== 0;
  if (by === "middlebox") return "injected";
  if (connection.healthCheck) return "health-check";
  const front = connected.set.view(connection.front);
  const opened = front.has(L.LEG_SYN_ACK) || !front.has(L.LEG_SYN);
  const answersSyn = (event.extra[3]! & (SYN | ACK)) === SYN;
  if (side === 1 && answersSyn && (state & L.LEG_SYN) !== 0 && (state & L.LEG_SYN_ACK) === 0) return "refused";
  const ownFin = L.LEG_FIN_UP << side;
  if ((state & ownFin) !== 0) return "late-data";
  if (side === 0) return clientCause(connected, connection, verdict, opened);
  if (by === "lb" && connection.mode === "proxy" && isAbort) return "lb-abort";
  if (isAbort) return by === "backend" ? "backend-abort" : by === "lb" ? "lb-abort" : "unknown";
  // Bare: the host that was asked has no such socket.
  const view = connected.set.view(verdict.ref);
  // The backend has taken nothing yet, not even the client's first byte.
  const justOpened = view.has(L.LEG_SYN) && ((event.extra[5]! - view.up.baseSeq) | 0) === 1;
  if (by === "backend" && justOpened && view.has(L.LEG_SYN_ACK) && verdict.silenceBefore === 0) return "overflow";
  if (by === "unknown") return "unknown";
  return "no-state";
}

function clientCause(connected: Connected, connection: Connection, verdict: ResetVerdict, opened: boolean): ResetCause {
  const { set, endpoints } = connected;
  const { event } = verdict;
  const view = set.view(verdict.ref);
  const called = endpoints.ofWords(view.dst, view.dstPort);
  const isFrontTuple = called === connection.vip || !verdict.isFront || connection.mode === "proxy";
  const answersFlags = event.extra[3]!;
  if (verdict.by === "client" && !isFrontTuple && connection.mode !== "proxy" && !view.has(L.LEG_SYN))
    return "direct-reply";
  if ((event.flags & ACK) === 0 && isOfEarlierLife(view, event)) {
    if (!opened && (answersFlags & ACK) !== 0) return "port-reuse";
    if (view.has(L.LEG_SYN) && !(event.extra[6]! & L.LEG_SYN_ACK)) return "port-reuse";
  }
  if (verdict.by === "lb") return "lb-abort";
  if ((event.flags & ACK) !== 0) return verdict.by === "unknown" ? "unknown" : "client-abort";
  // Bare: the client has no such socket. After the server's FIN that is a close that was not waited for; before it,
  // something ended the connection for the client that did not pass here.
  return (event.extra[6]! & L.LEG_FIN_DOWN) !== 0 ? "late-data" : "no-state";
}

/** Late data, resets after both had closed, and a reset where a FIN would have done. */
function harmless(connected: Connected, verdict: ResetVerdict): boolean {
  const state = verdict.event.extra[6]!;
  if ((state & L.LEG_FIN_UP) !== 0 && (state & L.LEG_FIN_DOWN) !== 0) return true;
  return isHarmless(connected.set.view(verdict.ref));
}
