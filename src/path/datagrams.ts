import { UDP } from "../decode/packet.ts";
import { PROTOCOL } from "../flow/leg-layout.ts";
import type { SideView } from "../flow/leg-view.ts";
import type { CaptureClock } from "./clocks.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { type Arrival, arrivalOf, isSentTwice } from "./sent-twice.ts";
import type { Session } from "./session.ts";
import { tupleOf } from "./tuples.ts";

/** Legs of one UDP conversation at several points begin within this. */
const SAME_CONVERSATION_NS = 10e9;
/** Translated legs are found by payload: only so close in time, since queries repeat. */
const TRANSLATED_NS = 2e9;
/** What clocks may differ by where nothing bounds them. */
const CLOCK_SLACK_NS = 3600e9;
/** Conversations of one payload compared with each other: of more, the payload tells nothing. */
const MOST_LOOKALIKES = 64;

/** What is known of a first payload: hashes of its first 16, 64 and 256 bytes, and of all that was captured. */
interface Identity {
  levels: readonly [number, number, number];
  whole: number;
  seen: number;
}

interface Datagrams {
  ref: LegRef;
  capture: number;
  arrival: Arrival;
  /** On the reference clock. */
  start: number;
  tuple: number;
  src: number;
  dst: number;
  firstLength: number;
  query: Identity;
  reply: Identity;
}

type Conversation = Datagrams[];

/**
 * Groups UDP legs into sessions: the same 5-tuple at other points, and what NAT rewrote by the first payload (a DNS
 * transaction, a QUIC connection id), its length and the time. A full NAT's two sides share nothing else: they are
 * joined only where each is the only partner of the other.
 */
export function groupDatagrams(set: LegSet, endpoints: EndpointTable, clocks: readonly CaptureClock[]): Session[] {
  const legs = udpLegs(set, endpoints, clocks);
  if (legs.length === 0) return [];
  const near = nearness(clocks);
  const conversations = conversationsOf(legs, near);
  const sessions: Session[] = [];
  for (const members of joinTranslated(conversations, near)) sessions.push(members.map(({ ref }) => ref));
  return sessions;
}

function udpLegs(set: LegSet, endpoints: EndpointTable, clocks: readonly CaptureClock[]): Datagrams[] {
  const legs: Datagrams[] = [];
  for (const track of set.tracks) {
    const table = track.tracker.legs;
    for (let leg = 0; leg < table.count; leg++) {
      if (table.words(leg)[table.base(leg) + PROTOCOL] !== UDP) continue;
      const view = track.view.at(leg);
      const { up, down } = view;
      const { src, dst } = tupleOf(view, endpoints);
      const start = view.start;
      legs.push({
        ref: set.ref(track.index, leg),
        capture: track.capture,
        arrival: arrivalOf(set, set.ref(track.index, leg)),
        start: start - clocks[track.capture]!.at(start),
        // Endpoints are numbered from 0 and fewer than 2^26: both fit a double.
        tuple: src * 67_108_864 + dst,
        src,
        dst,
        firstLength: up.firstLength,
        query: identityOf(up, view.payloadWhole(0)),
        reply: identityOf(down, view.payloadWhole(1)),
      });
    }
  }
  return legs.sort((a, b) => a.start - b.start);
}

type Nearness = (a: Datagrams, b: Datagrams, windowNs: number) => boolean;

/** Whether two legs began within a time of each other, as far as the clocks can tell. */
function nearness(clocks: readonly CaptureClock[]): Nearness {
  return (a, b, windowNs) => {
    const apart = Math.abs(a.start - b.start);
    if (a.capture === b.capture || apart < windowNs) return apart < windowNs;
    const isBounded = clocks[a.capture]!.uncertainty + clocks[b.capture]!.uncertainty < CLOCK_SLACK_NS;
    // Where clocks may differ, the payload has to say that it is the same datagram.
    return !isBounded && apart < CLOCK_SLACK_NS && a.query.whole !== 0 && isSameExchange(a, b);
  };
}

/** Legs of the same 5-tuple: one conversation, seen once at each point. */
function conversationsOf(legs: readonly Datagrams[], near: Nearness): Conversation[] {
  const conversations: Conversation[] = [];
  const latest = new Map<number, Conversation[]>();
  for (const leg of legs) {
    let lives = latest.get(leg.tuple);
    if (!lives) {
      lives = [];
      latest.set(leg.tuple, lives);
    }
    // A point tells the lives of a tuple apart itself.
    const life = lives.find(
      (members) =>
        near(members[0]!, leg, SAME_CONVERSATION_NS) &&
        !members.some((member) => isSameSpot(member.arrival, leg.arrival)),
    );
    if (life) {
      life.push(leg);
      continue;
    }
    const conversation = [leg];
    conversations.push(conversation);
    lives.push(conversation);
    if (lives.length > 4) lives.shift();
  }
  return conversations;
}

/** Joins the two sides of translations. */
function joinTranslated(conversations: readonly Conversation[], near: Nearness): Conversation[] {
  const byPayload = new Map<number, Conversation[]>();
  for (const conversation of conversations) {
    const { query, firstLength } = conversation[0]!;
    if (query.whole === 0) continue;
    const key = (query.levels[0] || query.whole) ^ Math.imul(firstLength, 0x9e3779b1);
    const list = byPayload.get(key);
    if (list) list.push(conversation);
    else byPayload.set(key, [conversation]);
  }
  const absorbed = new Set<Conversation>();
  for (const lookalikes of byPayload.values()) {
    if (lookalikes.length < 2) continue;
    joinSameClient(lookalikes, near, absorbed);
    const left = lookalikes.filter((conversation) => !absorbed.has(conversation));
    if (left.length > 1 && left.length <= MOST_LOOKALIKES) joinHidden(left, near, absorbed);
  }
  return conversations.filter((conversation) => !absorbed.has(conversation));
}

/** DNAT leaves the client's address and port: another destination within moments is the other side of it. */
function joinSameClient(lookalikes: readonly Conversation[], near: Nearness, absorbed: Set<Conversation>): void {
  const bySource = new Map<number, Conversation[]>();
  for (const conversation of lookalikes) {
    const known = bySource.get(conversation[0]!.src) ?? [];
    const other = known.find((candidate) => isTranslation(candidate, conversation, near));
    if (other) {
      other.push(...conversation);
      absorbed.add(conversation);
    } else bySource.set(conversation[0]!.src, [...known.slice(-MOST_LOOKALIKES), conversation]);
  }
}

/** Full NAT: only where each side has no other partner, and no lookalike is left that may have been one. */
function joinHidden(lookalikes: readonly Conversation[], near: Nearness, absorbed: Set<Conversation>): void {
  const partners = lookalikes.map((one) => lookalikes.filter((other) => isHiddenTranslation(one, other, near)));
  if (partners.some((list) => list.length !== 1)) return;
  lookalikes.forEach((one, index) => {
    const other = partners[index]![0]!;
    if (absorbed.has(one) || absorbed.has(other)) return;
    one.push(...other);
    absorbed.add(other);
  });
}

function isHiddenTranslation(one: Conversation, other: Conversation, near: Nearness): boolean {
  const [a, b] = [one[0]!, other[0]!];
  return a.src !== b.src && a.dst !== b.dst && isTranslation(one, other, near);
}

function isTranslation(one: Conversation, other: Conversation, near: Nearness): boolean {
  const [a, b] = [one[0]!, other[0]!];
  if (a.tuple === b.tuple || a.dst === b.dst || !isSameExchange(a, b)) return false;
  if (!near(a, b, TRANSLATED_NS)) return false;
  // A resolver asks several name servers at once, from one port and with one transaction (musl does).
  return !one.some((left) => other.some((right) => isSentTwice(left.arrival, right.arrival)));
}

function isSameSpot(a: Arrival, b: Arrival): boolean {
  return a.point === b.point && a.context === b.context;
}

function isSameExchange(a: Datagrams, b: Datagrams): boolean {
  return a.firstLength === b.firstLength && !differ(a.query, b.query) && !differ(a.reply, b.reply);
}

function identityOf(side: SideView, whole: number): Identity {
  const levels = [side.payloadHash(0), side.payloadHash(1), side.payloadHash(2)] as const;
  return { levels, whole, seen: side.payloadSeen };
}

/** True where what was captured of both shows that they are not the same. */
function differ(a: Identity, b: Identity): boolean {
  if (a.whole === 0 || b.whole === 0) return false;
  if (a.seen === b.seen) return a.whole !== b.whole;
  return a.levels.some((hash, level) => hash !== 0 && b.levels[level] !== 0 && hash !== b.levels[level]);
}
