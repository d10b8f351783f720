import { TCP } from "../decode/packet.ts";
import * as L from "../flow/leg-layout.ts";
import type { EndpointTable } from "./endpoints.ts";
import { joinLateLegs } from "./late-legs.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { settleLookalikes } from "./lookalikes.ts";
import type { Session } from "./session.ts";

/** No conversation is seen more often at one point: before and after two NATs and a tunnel, with room. */
const MOST_LEGS = 8;

/**
 * Groups TCP legs into sessions.
 *
 * The strong key is both initial sequence numbers (64 bits of chance), which NAT, DSR and tunnels leave alone. Where a
 * leg lacks the server's (nobody answered, or only one direction passed), or a SYN proxy made up its own, the client's
 * must be confirmed by what else is known of the client. Legs that began before the capture are matched by overlapping
 * sequence ranges.
 */
export function groupSessions(set: LegSet, endpoints: EndpointTable): Session[] {
  const late: LegRef[] = [];
  const opened = new OpenedLegs(set, late);
  const sessions = opened.sessions(set);
  joinLateLegs(set, endpoints, late, sessions);
  return sessions;
}

/**
 * Legs whose opening was seen, chained by open addressing: first those of equal numbers, then the chains of equal
 * client numbers. Almost all sessions are one chain of the first kind; nothing is allocated for them but their array.
 */
class OpenedLegs {
  private readonly refs: Float64Array;
  private readonly clientIsn: Int32Array;
  private readonly serverIsn: Int32Array;
  /** 1 for legs that are not the first of their chain. */
  private readonly isFollower: Uint8Array;
  private readonly hasServerIsn: Uint8Array;
  /** The next leg of the chain; the last one of it, where the leg is the first. */
  private readonly next: Int32Array;
  private readonly last: Int32Array;
  private readonly slots: Int32Array;
  private count = 0;

  constructor(set: LegSet, late: LegRef[]) {
    let capacity = 0;
    for (const { tracker } of set.tracks) capacity += tracker.legs.live;
    this.refs = new Float64Array(capacity);
    this.clientIsn = new Int32Array(capacity);
    this.serverIsn = new Int32Array(capacity);
    this.isFollower = new Uint8Array(capacity);
    this.hasServerIsn = new Uint8Array(capacity);
    this.next = new Int32Array(capacity).fill(-1);
    this.last = new Int32Array(capacity);
    let slots = 16;
    while (slots < capacity * 2) slots *= 2;
    this.slots = new Int32Array(slots);
    for (const { tracker, index } of set.tracks) {
      const { legs } = tracker;
      for (let leg = 0; leg < legs.count; leg++) {
        const w = legs.words(leg);
        const at = legs.base(leg);
        if (w[at + L.PROTOCOL] !== TCP) continue;
        const ref = set.ref(index, leg);
        if ((w[at + L.STATE]! & (L.LEG_SYN | L.LEG_SYN_ACK)) === 0) late.push(ref);
        else {
          const hasServerIsn = (w[at + L.SIDE_1 + L.TRAITS]! & L.SIDE_HAS_BASE) !== 0;
          this.add(ref, w[at + L.SIDE_0 + L.BASE_SEQ]!, w[at + L.SIDE_1 + L.BASE_SEQ]!, hasServerIsn);
        }
      }
    }
  }

  /** Enters a leg, behind those of the same two numbers where it has both. */
  private add(ref: LegRef, clientIsn: number, serverIsn: number, hasServerIsn: boolean): void {
    const leg = this.count++;
    this.refs[leg] = ref;
    this.clientIsn[leg] = clientIsn;
    this.last[leg] = leg;
    if (!hasServerIsn) return;
    this.serverIsn[leg] = serverIsn;
    this.hasServerIsn[leg] = 1;
    const mask = this.slots.length - 1;
    for (let slot = hashOf(clientIsn, serverIsn) & mask; ; slot = (slot + 1) & mask) {
      const first = this.slots[slot]! - 1;
      if (first < 0) {
        this.slots[slot] = leg + 1;
        return;
      }
      if (this.clientIsn[first] === clientIsn && this.serverIsn[first] === serverIsn) {
        this.isFollower[leg] = 1;
        this.next[this.last[first]!] = leg;
        this.last[first] = leg;
        return;
      }
    }
  }

  sessions(set: LegSet): Session[] {
    const contested = this.chainsOfEqualClientIsn();
    const sessions: Session[] = [];
    for (let leg = 0; leg < this.count; leg++) {
      if (this.isFollower[leg] === 1) continue;
      const rivals = contested.get(leg);
      if (rivals) sessions.push(...settleLookalikes(set, rivals));
      else if (rivals === undefined) {
        const session = this.session(leg);
        if (session.length > MOST_LEGS && isCrowded(set, session))
          sessions.push(...settleLookalikes(set, split(session)));
        else sessions.push(session);
      }
    }
    return sessions;
  }

  private session(first: number): Session {
    const second = this.next[first]!;
    if (second < 0) return [this.refs[first]!];
    const session = [this.refs[first]!, this.refs[second]!];
    for (let leg = this.next[second]!; leg >= 0; leg = this.next[leg]!) session.push(this.refs[leg]!);
    return session;
  }

  /**
   * Chains that share their client's number, by the first leg of the first of them; null for the others of them, so
   * that each is settled once.
   */
  private chainsOfEqualClientIsn(): Map<number, Session[] | null> {
    const contested = new Map<number, Session[] | null>();
    this.slots.fill(0);
    const mask = this.slots.length - 1;
    for (let leg = 0; leg < this.count; leg++) {
      if (this.isFollower[leg] === 1) continue;
      const clientIsn = this.clientIsn[leg]!;
      for (let slot = hashOf(clientIsn, 0) & mask; ; slot = (slot + 1) & mask) {
        const first = this.slots[slot]! - 1;
        if (first < 0) {
          this.slots[slot] = leg + 1;
          break;
        }
        if (this.clientIsn[first] !== clientIsn) continue;
        const rivals = contested.get(first);
        if (rivals) rivals.push(this.session(leg));
        else contested.set(first, [this.session(first), this.session(leg)]);
        contested.set(leg, null);
        break;
      }
    }
    return contested;
  }
}

/** Numbers that are the same in conversations that have nothing in common: made by a tool, not by a TCP. */
function isCrowded(set: LegSet, session: Session): boolean {
  const perPoint = new Map<number, number>();
  for (const ref of session) {
    const point = set.pointOf(ref).index;
    perPoint.set(point, (perPoint.get(point) ?? 0) + 1);
  }
  return Math.max(...perPoint.values()) > MOST_LEGS;
}

function split(session: Session): Session[] {
  return session.map((ref) => [ref]);
}

function hashOf(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
