import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { Connection } from "./connection.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";

/** A relayed segment may be stamped a little before its original where two taps of one host hand packets over. */
const STAMP_JITTER_NS = 100_000;
/** Later than this after the client's data a proxy has given up. */
const MAX_RELAY_NS = 120e9;
/** A proxy may make a client wait for a server, but it does not keep an answer to itself. */
const MAX_ANSWER_RELAY_NS = 250e6;

/** What a terminating proxy passes on of a session: first payloads, sizes and times, as the fullest leg has them. */
export class ProxySession {
  readonly connection: Connection;
  /** Address of who opened it, without the port; numbers of the run's endpoints. */
  readonly clientAddress: number;
  readonly vipAddress: number;
  readonly start: number;
  private readonly order: LegOrder;
  private readonly payloadLeg: LegRef;
  private readonly upHashes: readonly number[];
  private readonly downHashes: readonly number[];
  private readonly upBytes: number;
  private readonly downBytes: number;
  private readonly upDataTime: number;
  private readonly downDataTime: number;
  private readonly end: number;
  private readonly isComplete: boolean;
  private readonly isOpened: boolean;
  /** null where the SYN was not seen. */
  private readonly clientIsn: number | null;
  private readonly sentHeader: boolean;
  /** False where the capture lacks packets: sizes and first payloads are then not what was sent. */
  readonly isWhole: boolean;

  constructor(set: LegSet, order: LegOrder, connection: Connection, clientAddress: number, vipAddress: number) {
    this.connection = connection;
    this.clientAddress = clientAddress;
    this.vipAddress = vipAddress;
    this.order = order;
    this.payloadLeg = payloadLegOf(set, connection.legs);
    this.isOpened = connection.legs.some((ref) => set.view(ref).has(L.LEG_SYN | L.LEG_SYN_ACK));
    const view = set.view(this.payloadLeg);
    const { up, down } = view;
    const shift = order.shiftOf(this.payloadLeg);
    this.upHashes = [up.payloadHash(0), up.payloadHash(1), up.payloadHash(2)];
    this.downHashes = [down.payloadHash(0), down.payloadHash(1), down.payloadHash(2)];
    this.upBytes = up.payloadBytes;
    this.downBytes = down.payloadBytes;
    this.start = view.start - shift;
    this.upDataTime = up.dataTime - shift;
    this.downDataTime = down.dataTime - shift;
    this.end = view.end - shift;
    this.clientIsn = view.has(L.LEG_SYN) ? up.baseSeq : null;
    this.isComplete = view.has(L.LEG_SYN) && view.has(L.LEG_FIN_UP) && view.has(L.LEG_FIN_DOWN);
    this.sentHeader = up.has(L.SIDE_PROXY_HEADER);
    this.isWhole = isWhole(view);
  }

  get duration(): number {
    return Math.max(0, this.end - this.start);
  }

  /** True where times of both can be compared. */
  isComparable(other: ProxySession): boolean {
    return this.order.isComparable(this.payloadLeg, other.payloadLeg);
  }

  /** True where `back` can be the proxy's session for this client's, as far as addresses tell. */
  mayReach(back: ProxySession): boolean {
    // Of what began before the capture the first payload seen is no first one: it compares only with such.
    if (this.isOpened !== back.isOpened) return false;
    const { client, vip, backend, mode } = this.connection;
    if (vip === back.connection.vip || backend === back.connection.vip) return false;
    // A proxy that keeps the client's address opens a connection of its own; else it is the same one, translated.
    if (client === back.connection.client) {
      return (
        backend === null && this.clientIsn !== null && back.clientIsn !== null && this.clientIsn !== back.clientIsn
      );
    }
    // Who opens sessions of its own to several servers relays none of them to another.
    if (this.clientAddress === back.clientAddress) return false;
    return mode !== "dnat" && mode !== "fullnat" ? true : this.vipAddress === back.clientAddress;
  }

  /**
   * How well the contents agree, first payloads and sizes: 0 where `back` cannot carry what this session does, more
   * with every kind of evidence.
   */
  contentScore(back: ProxySession): number {
    const up = commonLevel(this.upHashes, back.upHashes);
    const down = commonLevel(this.downHashes, back.downHashes);
    if (up < 0 || down < 0) return 0;
    let score = 1 + up + down;
    if (this.isComplete && back.isComplete) {
      const headerless = !this.sentHeader && !back.sentHeader;
      if (headerless && this.upBytes !== back.upBytes) return 0;
      if (this.downBytes !== back.downBytes) return 0;
      score += 2;
    }
    return score;
  }

  /**
   * Whether the times allow `back` to be what this session was relayed to. Where the clocks cannot be compared, each
   * side's own can: the client waits longer for its answer than the proxy does.
   */
  timesAllow(back: ProxySession): boolean {
    if (this.isComparable(back)) return this.precedes(back);
    if (back.sentHeader !== this.sentHeader) return back.sentHeader;
    return this.downDataTime - this.upDataTime > back.downDataTime - back.upDataTime;
  }

  /**
   * Without payload: could this session have made the proxy open `back`? Sizes must be equal where both are complete;
   * of sessions that lack packets neither sizes nor bytes speak against it.
   */
  couldHaveOpened(back: ProxySession, windowNs: number): boolean {
    if (!this.isComparable(back) || !this.mayReach(back)) return false;
    if (back.start < this.start) return false;
    const trigger = Number.isNaN(this.upDataTime) ? this.start : Math.max(this.start, this.upDataTime);
    if (back.start - trigger > windowNs) return false;
    if (!this.isWhole || !back.isWhole) return true;
    if (commonLevel(this.upHashes, back.upHashes) < 0 || commonLevel(this.downHashes, back.downHashes) < 0)
      return false;
    if (!this.isComplete || !back.isComplete) return this.upBytes === back.upBytes || this.upBytes === 0;
    return this.downBytes === back.downBytes && (this.upBytes === back.upBytes || back.sentHeader);
  }

  private precedes(back: ProxySession): boolean {
    // The client's SYN comes first: within jitter both orders would pass, and the pair could be taken backwards.
    if (back.start < this.start) return false;
    if (back.upDataTime < this.upDataTime - STAMP_JITTER_NS) return false;
    if (this.downDataTime < back.downDataTime - STAMP_JITTER_NS) return false;
    if (this.downDataTime > back.downDataTime + MAX_ANSWER_RELAY_NS) return false;
    return !(back.upDataTime - this.upDataTime > MAX_RELAY_NS) && back.start <= this.end + STAMP_JITTER_NS;
  }
}

/** True for a leg without gaps in what it saw. */
export function isWhole({ hasGap, up, down }: LegView): boolean {
  return !hasGap && up.acksOfUnseen === 0 && down.acksOfUnseen === 0;
}

/** The leg of a session whose capture kept most of the first payloads. */
export function payloadLegOf(set: LegSet, legs: readonly LegRef[]): LegRef {
  let fullest = legs[0]!;
  if (legs.length === 1) return fullest;
  let most = -1;
  for (const ref of legs) {
    const { up, down } = set.view(ref);
    const seen = up.payloadSeen + down.payloadSeen;
    if (seen <= most) continue;
    most = seen;
    fullest = ref;
  }
  return fullest;
}

/** The longest of the hashes that both have, as a score (1 to 3): 0 where they have none in common, -1 where it differs. */
function commonLevel(a: readonly number[], b: readonly number[]): number {
  for (let level = 2; level >= 0; level--) {
    if (a[level] === 0 || b[level] === 0) continue;
    return a[level] === b[level] ? level + 1 : -1;
  }
  return 0;
}
