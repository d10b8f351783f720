import * as L from "../flow/leg-layout.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import type { LegOrder } from "./order.ts";
import type { Route } from "./route.ts";

/** A relayed segment may be stamped a little before its original where two taps of one host hand packets over. */
const STAMP_JITTER_NS = 100_000;
/** Later than this after the client's data a proxy has given up. */
const MAX_RELAY_NS = 120e9;

/** What a terminating proxy passes on of a session, read once: first payloads, sizes and times. */
export class ProxySession {
  readonly route: Route;
  private readonly order: LegOrder;
  private readonly payloadLeg: LegRef;
  private readonly upHashes: readonly number[];
  private readonly downHashes: readonly number[];
  private readonly upWhole: number;
  private readonly upSeen: number;
  private readonly upBytes: number;
  private readonly downBytes: number;
  private readonly upDataTime: number;
  private readonly downDataTime: number;
  private readonly end: number;
  private readonly isComplete: boolean;
  private readonly sentHeader: boolean;

  constructor(set: LegSet, order: LegOrder, route: Route) {
    this.route = route;
    this.order = order;
    let payloadLeg = route.legs[0]!;
    let seen = -1;
    for (const ref of route.legs) {
      const { up, down } = set.view(ref);
      const both = up.payloadSeen + down.payloadSeen;
      if (both > seen) {
        seen = both;
        payloadLeg = ref;
      }
    }
    this.payloadLeg = payloadLeg;
    const view = set.view(payloadLeg);
    const { up, down } = view;
    const shift = order.shiftOf(payloadLeg);
    this.upHashes = [up.payloadHash(0), up.payloadHash(1), up.payloadHash(2)];
    this.downHashes = [down.payloadHash(0), down.payloadHash(1), down.payloadHash(2)];
    this.upWhole = view.payloadWhole(0);
    this.upSeen = up.payloadSeen;
    this.upBytes = up.payloadBytes;
    this.downBytes = down.payloadBytes;
    this.upDataTime = up.dataTime - shift;
    this.downDataTime = down.dataTime - shift;
    this.end = view.end - shift;
    this.isComplete = view.has(L.LEG_SYN) && view.has(L.LEG_FIN_UP) && view.has(L.LEG_FIN_DOWN);
    this.sentHeader = up.has(L.SIDE_PROXY_HEADER);
  }

  get duration(): number {
    return Math.max(0, this.end - this.route.start);
  }

  /** Key under which sessions of equal first payload meet; 0 where too little was captured for the level. */
  payloadKey(level: "whole" | 0 | 1 | 2): number {
    if (level === "whole") return this.upSeen > 0 ? this.upWhole ^ Math.imul(this.upSeen, 0x85ebca77) : 0;
    return this.upHashes[level]!;
  }

  /**
   * How well `back` fits as the proxy's session for this client's: 0 where it cannot be, more with every kind of
   * evidence that agrees.
   */
  relayScore(back: ProxySession): number {
    if (this.route.vip === back.route.vip) return 0;
    if (this.route.client === back.route.client && this.route.backend !== null) return 0;
    if (this.order.isComparable(this.payloadLeg, back.payloadLeg) && !this.precedes(back)) return 0;
    const agreeingDown = commonLevel(this.downHashes, back.downHashes);
    if (agreeingDown < 0) return 0;
    let score = Math.max(0, commonLevel(this.upHashes, back.upHashes)) + 1 + agreeingDown;
    const headerless = !this.sentHeader && !back.sentHeader;
    if (this.isComplete && back.isComplete) {
      if (headerless && this.upBytes !== back.upBytes) return 0;
      if (this.downBytes !== back.downBytes) return 0;
      score += 2;
    }
    return score;
  }

  /** Without payload: could this session have made the proxy open `back`? Sizes must be equal where both are complete. */
  couldHaveOpened(back: ProxySession, window: number): boolean {
    if (!this.order.isComparable(this.payloadLeg, back.payloadLeg)) return false;
    const opened = back.route.start - this.route.start;
    if (opened < 0) return false;
    const trigger = Number.isNaN(this.upDataTime) ? this.route.start : Math.max(this.route.start, this.upDataTime);
    if (back.route.start - trigger > window) return false;
    if (commonLevel(this.upHashes, back.upHashes) < 0 || commonLevel(this.downHashes, back.downHashes) < 0)
      return false;
    if (!this.isComplete || !back.isComplete) return this.upBytes === back.upBytes || this.upBytes === 0;
    return this.downBytes === back.downBytes && (this.upBytes === back.upBytes || back.sentHeader);
  }

  private precedes(back: ProxySession): boolean {
    // The client's SYN comes first: within jitter both orders would pass, and the pair could be taken backwards.
    if (back.route.start < this.route.start) return false;
    if (back.upDataTime < this.upDataTime - STAMP_JITTER_NS) return false;
    if (this.downDataTime < back.downDataTime - STAMP_JITTER_NS) return false;
    return !(back.upDataTime - this.upDataTime > MAX_RELAY_NS) && back.route.start <= this.end + STAMP_JITTER_NS;
  }
}

/** The longest of the hashes that both have, as a score (1 to 3): 0 where they have none in common, -1 where it differs. */
function commonLevel(a: readonly number[], b: readonly number[]): number {
  for (let level = 2; level >= 0; level--) {
    if (a[level] === 0 || b[level] === 0) continue;
    return a[level] === b[level] ? level + 1 : -1;
  }
  return 0;
}
