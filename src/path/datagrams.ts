import { UDP } from "../decode/packet.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { Session } from "./sessions.ts";

/** Legs of one UDP conversation at several points begin within this, clocks apart included. */
const SAME_CONVERSATION_NS = 10e9;
/** Translated legs are found by payload: only so close in time, since queries repeat. */
const TRANSLATED_NS = 2e9;

interface Datagrams {
  ref: LegRef;
  capture: number;
  start: number;
  ports: number;
  src3: number;
  dst3: number;
  firstLength: number;
  payload: number;
}

/**
 * Groups UDP legs into sessions: the same 5-tuple at other points, and NAT's rewritten ones by their first payload
 * (a DNS transaction, a QUIC connection id), its length and the time. Without payload only equal tuples are joined.
 */
export function groupDatagrams(set: LegSet): Session[] {
  const byTuple = new Map<string, Datagrams[][]>();
  const byPayload = new Map<number, Datagrams[][]>();
  const sessions: Datagrams[][] = [];
  for (const leg of udpLegs(set)) {
    const tuple = `${leg.src3} ${leg.dst3} ${leg.ports}`;
    const candidates = byTuple.get(tuple) ?? [];
    let session = candidates.find((members) => members.some((member) => near(member, leg, SAME_CONVERSATION_NS)));
    if (!session && leg.payload !== 0) {
      session = byPayload.get(leg.payload)?.find((members) => members.some((member) => isTranslated(member, leg)));
    }
    if (session) {
      session.push(leg);
    } else {
      session = [leg];
      sessions.push(session);
    }
    if (!candidates.includes(session)) byTuple.set(tuple, [...candidates, session]);
    if (leg.payload !== 0) {
      const list = byPayload.get(leg.payload);
      if (!list) byPayload.set(leg.payload, [session]);
      else if (!list.includes(session)) list.push(session);
    }
  }
  return sessions.map((members) => ({ legs: members.map((member) => member.ref) }));
}

function* udpLegs(set: LegSet): Generator<Datagrams> {
  const legs: Datagrams[] = [];
  for (const track of set.tracks) {
    for (const view of track.view.all()) {
      if (view.protocol !== UDP) continue;
      legs.push({
        ref: set.ref(track.index, view.leg),
        capture: track.capture,
        start: view.start,
        ports: (view.srcPort << 16) | view.dstPort,
        src3: view.src[3],
        dst3: view.dst[3],
        firstLength: view.up.firstLength,
        payload: view.up.payloadHash(0) || view.payloadWhole(0),
      });
    }
  }
  yield* legs.toSorted((a, b) => a.start - b.start);
}

/** One end of the conversation must be the same, or the ports differ by a full NAT: then all else has to fit. */
function isTranslated(a: Datagrams, b: Datagrams): boolean {
  return (
    a.firstLength === b.firstLength &&
    a.payload === b.payload &&
    near(a, b, TRANSLATED_NS) &&
    !sameTuple(a, b) &&
    (a.src3 === b.src3 ? a.ports >>> 16 === b.ports >>> 16 : true)
  );
}

function sameTuple(a: Datagrams, b: Datagrams): boolean {
  return a.ports === b.ports && a.src3 === b.src3 && a.dst3 === b.dst3;
}

function near(a: Datagrams, b: Datagrams, window: number): boolean {
  return Math.abs(a.start - b.start) < window;
}
