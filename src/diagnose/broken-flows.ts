import { ACK } from "../decode/packet.ts";
import { MOVE, RETRANSMIT, SILENCE_BROKEN } from "../flow/event-log.ts";
import * as L from "../flow/leg-layout.ts";
import { SILENCE_RESET } from "../flow/tcp.ts";
import type { Connection } from "../path/connection.ts";
import type { LegRef } from "../path/leg-set.ts";
import { clientSession } from "../path/outcome.ts";
import { tupleOf } from "../path/tuples.ts";
import type { Case } from "./case.ts";
import type { ResetVerdict } from "./reset-verdict.ts";

/** What a client's established connection met when something on its way no longer knew it. */
export type Clothes =
  /** The balancer's own TCP answered with a reset. */
  | "balancer-reset"
  /** Another backend was given the flow in mid-stream and reset it. */
  | "wrong-backend"
  /** The backend's packets leaked untranslated, and the client reset them. */
  | "leak"
  /** Nothing came back, and no copy of the segment left for the backend. */
  | "unanswered"
  /** A reset without a socket behind it, whose author these points do not show. */
  | "reset";

/** An established connection that broke although neither end had closed it. Times: ns on the reference clock. */
export interface BrokenFlow {
  connection: Connection;
  clothes: Clothes;
  /** When the segment came that was not known any more (answered by a reset, or not at all). */
  time: number;
  /** Silence of both sides before that segment, ns; 0 where it is below what the tracker logs (half a second). */
  silence: number;
  /**
   * Where it went on at another place than before: `away` to another balancer, `rebalanced` by its own balancer to
   * another backend (another MAC or tunnel).
   */
  moved: "away" | "rebalanced" | null;
  /** Name of the node that the capture points show to balance it, "" where they do not. */
  node: string;
  verdict: ResetVerdict | null;
  /** Where to look. */
  ref: LegRef;
  frame: number;
}

/** A segment answered this much later than it came has not been answered by the box that got it. */
const ANSWER_NS = 3e9;
/** A leg that begins this much later than its connection is a piece of it, not its beginning seen elsewhere. */
const PIECE_NS = 50e6;

const cache = new WeakMap<Case, readonly BrokenFlow[]>();

/**
 * The users' TCP connections that a balancer's lost knowledge may have broken, by time; terminating proxies apart.
 * A backend that lost its own socket, closes and aborts are not among them.
 */
export function brokenFlows(subject: Case): readonly BrokenFlow[] {
  let flows = cache.get(subject);
  if (!flows) {
    const found: BrokenFlow[] = [];
    for (const connection of subject.users) {
      if (connection.protocol !== 6 || connection.mode === "proxy") continue;
      const flow = brokenByReset(subject, connection) ?? brokenBySilence(subject, connection);
      if (flow) found.push(flow);
    }
    flows = found.sort((a, b) => a.time - b.time);
    cache.set(subject, flows);
  }
  return flows;
}

/** The leg on which both directions of the client's own conversation are seen; else the one nearest to the client. */
export function clientLeg(subject: Case, connection: Connection): LegRef {
  const { front } = connection;
  if (isTwoWay(subject, front) || connection.legs.length === 1) return front;
  const dst = tupleOf(subject.leg(front), subject.connected.endpoints).dst;
  const other = clientSession(connection).find(
    (ref) => isTwoWay(subject, ref) && tupleOf(subject.leg(ref), subject.connected.endpoints).dst === dst,
  );
  return other ?? front;
}

function isTwoWay(subject: Case, ref: LegRef): boolean {
  const view = subject.leg(ref);
  return view.up.packets > 0 && view.down.packets > 0;
}

function brokenByReset(subject: Case, connection: Connection): BrokenFlow | null {
  const verdicts = subject.resets.get(connection.id);
  if (!verdicts) return null;
  for (const verdict of verdicts) {
    if (!verdict.isFront || verdict.isHarmless) continue;
    const clothes = clothesOf(subject, connection, verdict);
    if (clothes === null) return null;
    const ref = clientLeg(subject, connection);
    return {
      connection,
      clothes,
      time: verdict.time,
      silence: silenceBefore(subject, ref, verdict),
      moved: moveOf(subject, connection, verdict.time),
      node: balancerOf(subject, connection, verdict),
      verdict,
      ref: verdict.ref,
      frame: verdict.event.frame,
    };
  }
  return null;
}

/** What kind of lost knowledge a reset tells of, null where of none. */
function clothesOf(subject: Case, connection: Connection, verdict: ResetVerdict): Clothes | null {
  const { event, by, side, cause } = verdict;
  if (cause === "direct-reply") return isEstablished(subject, connection) ? "leak" : null;
  // Bare: whoever was asked has no such socket. A process that holds it sends RST+ACK (RFC 9293 3.5.2).
  if ((event.flags & ACK) !== 0 || by === "middlebox" || by === "client") return null;
  const closing = L.LEG_FIN_UP | L.LEG_FIN_DOWN;
  if ((event.extra[6]! & closing) !== 0 || !isEstablished(subject, connection)) return null;
  if (cause !== "no-state" && cause !== "unknown" && !(by === "lb" && cause === "lb-abort")) return null;
  if (by === "lb") return "balancer-reset";
  if (side === 0) return null;
  if (!subject.leg(verdict.ref).has(L.LEG_SYN_ACK)) return by === "backend" ? "wrong-backend" : "reset";
  // On the connection's own way to its backend: the backend itself lost the socket.
  if (by === "backend" && connection.backend !== null && connection.legs.length > 1) return null;
  return "reset";
}

/** True where a conversation had begun, and was not only tried. */
function isEstablished(subject: Case, connection: Connection): boolean {
  const view = subject.leg(clientLeg(subject, connection));
  if (view.has(L.LEG_SYN)) return view.has(L.LEG_ESTABLISHED) || view.up.has(L.SIDE_HAS_ACK);
  return view.up.packets > 1;
}

/** The silence that the answered segment broke, as the client's own leg shows it. */
function silenceBefore(subject: Case, ref: LegRef, verdict: ResetVerdict): number {
  const track = subject.connected.set.trackOf(ref);
  const view = subject.leg(ref);
  const end = subject.reference(ref, view.end);
  // The flow had left this leg when it broke: nothing came here since.
  if (verdict.time - end > PIECE_NS) return verdict.time - end;
  let silence = 0;
  for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
    if (event.kind !== SILENCE_BROKEN || event.extra[0] !== SILENCE_RESET) continue;
    const age = verdict.time - subject.reference(ref, event.time);
    if (age > -ANSWER_NS && age < ANSWER_NS) silence = event.time - event.otherTime;
  }
  return silence;
}

function brokenBySilence(subject: Case, connection: Connection): BrokenFlow | null {
  if (subject.outcome(connection) !== "timeout") return null;
  const ref = clientLeg(subject, connection);
  const view = subject.leg(ref);
  if (!view.has(L.LEG_SYN_ACK) && view.has(L.LEG_SYN)) return null;
  if (view.up.payloadBytes === 0 || view.down.packets === 0 || view.has(L.LEG_FIN_UP | L.LEG_FIN_DOWN)) return null;
  const open = view.openSilence;
  const answered = view.down.lastTime;
  let lost = open && open.side === 0 ? open.brokenAt : Number.NaN;
  let frame = open?.frame ?? view.lastFrame;
  const start = open && open.side === 0 ? open.start : Number.NaN;
  if (Number.isNaN(lost)) {
    const track = subject.connected.set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
      if (event.kind !== RETRANSMIT || event.side !== 0 || event.time < answered) continue;
      lost = event.otherTime;
      frame = event.frame;
      break;
    }
  }
  if (!(lost >= answered)) return null;
  const time = subject.reference(ref, lost);
  if (!vanishedBeforeBackend(subject, connection, ref, time)) return null;
  return {
    connection,
    clothes: "unanswered",
    time,
    silence: Number.isNaN(start) ? 0 : lost - start,
    moved: moveOf(subject, connection, time),
    node: balancerOf(subject, connection, null),
    verdict: null,
    ref,
    frame,
  };
}

/** True where the way behind the balancer was captured and shows nothing of the segment or its repetitions. */
function vanishedBeforeBackend(subject: Case, connection: Connection, ref: LegRef, time: number): boolean {
  const { endpoints } = subject.connected;
  const dst = tupleOf(subject.leg(ref), endpoints).dst;
  const node = subject.nodeOf(ref);
  let hasBack = false;
  for (const other of connection.legs) {
    const view = subject.leg(other);
    if (!view.has(L.LEG_SYN_ACK) || view.up.packets === 0) continue;
    const isBehind =
      tupleOf(view, endpoints).dst !== dst || (other === connection.back && subject.nodeOf(other) !== node);
    if (!isBehind) continue;
    hasBack = true;
    if (subject.reference(other, view.up.lastTime) > time - PIECE_NS) return false;
  }
  return hasBack;
}

function moveOf(subject: Case, connection: Connection, time: number): BrokenFlow["moved"] {
  const { set, endpoints } = subject.connected;
  const called = tupleOf(subject.front(connection), endpoints).dst;
  const isDirect = connection.mode === "dsr-l2" || connection.mode === "dsr-tunnel";
  let isBehind = false;
  let moved: BrokenFlow["moved"] = null;
  for (const ref of clientSession(connection)) {
    const view = subject.leg(ref);
    if (tupleOf(view, endpoints).dst !== called) continue;
    const hop = connection.hops[connection.legs.indexOf(ref)]!;
    isBehind ||= hop.startsWith("dsr");
    const isPiece = !view.has(L.LEG_SYN | L.LEG_SYN_ACK) && view.up.packets > 0;
    if (isPiece && subject.reference(ref, view.start) - connection.start > PIECE_NS) {
      if (!isDirect) return "away";
      moved = "rebalanced";
    }
    if (view.up.macChanges === 0) continue;
    const track = set.trackOf(ref);
    for (const event of track.tracker.events.of(track.tracker.legs, view.leg)) {
      if (event.kind !== MOVE || event.side !== 0 || subject.reference(ref, event.time) > time + PIECE_NS) continue;
      if (event.extra[3] !== 1 && !isBehind) return "away";
      moved = "rebalanced";
    }
  }
  return moved;
}

/** Name of the node that balances a connection: where it is rewritten, or where its reset was made. */
export function balancerOf(subject: Case, connection: Connection, verdict: ResetVerdict | null): string {
  for (let i = 1; i < connection.legs.length; i++) {
    if (connection.hops[i] === "forward") continue;
    const node = subject.nodeOf(connection.legs[i]!);
    if (connection.hops[i]!.startsWith("dsr") || node === subject.nodeOf(connection.legs[i - 1]!)) return node;
  }
  return verdict?.by === "lb" ? subject.nodeOf(verdict.ref) : "";
}
