import { IS_TCP, IS_UDP, type Packet } from "../decode/packet.ts";

/** One in so many conversations at most is followed. */
export const MOST_SAMPLED = 1024;

/**
 * True for packets of conversations that are followed when one in `rate` is (a power of two). What is no conversation
 * (ARP, VRRP, ICMP errors) always is.
 *
 * The end with the higher port decides: that is the client's, which neither destination NAT nor direct return changes,
 * so that both sides of a balancer keep the same connections. Behind a full NAT the client's end is another, and of
 * these both legs are kept by chance only.
 */
export function isFollowed(p: Packet, rate: number): boolean {
  if (rate <= 1 || (p.kind !== IS_TCP && p.kind !== IS_UDP)) return true;
  if (p.srcPort === p.dstPort) {
    return (
      (mix(endHash(p.src0, p.src1, p.src2, p.src3, p.srcPort) + endHash(p.dst0, p.dst1, p.dst2, p.dst3, 0)) &
        (rate - 1)) ===
      0
    );
  }
  const hash =
    p.srcPort > p.dstPort
      ? endHash(p.src0, p.src1, p.src2, p.src3, p.srcPort)
      : endHash(p.dst0, p.dst1, p.dst2, p.dst3, p.dstPort);
  return (mix(hash) & (rate - 1)) === 0;
}

function endHash(a0: number, a1: number, a2: number, a3: number, port: number): number {
  return Math.imul(a3 ^ Math.imul(a0 ^ (a1 << 7) ^ a2, 0x27d4eb2f), 0x9e3779b1) + Math.imul(port, 0x85ebca77);
}

function mix(word: number): number {
  const x = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Streams are behind by more than this where the session is at work all the time; or by any, and not catching up. */
const BEHIND_SECONDS = 2;
const BUSY_SECONDS = 1;
const STUCK_SECONDS = 3;
const CATCHING_UP = 0.1;
/** At work for more of the time than this, the session holds its streams up; for less, it could do twice as much. */
const BUSY_SHARE = 0.9;
const CALM_SHARE = 0.5;
const CALM_SECONDS = 15;

/** How a session gets on with its sources. */
export interface Load {
  /** Share of lately in which its thread was at work. */
  busyShare: number;
  /** How much later than at best packets of streams are read, seconds; NaN without streams. */
  lagSeconds: number;
  /** Packets that sources lost since the beginning. */
  lost: number;
}

/**
 * Chooses how many conversations are followed. Fewer where sources lose packets; and where the session is at work all
 * the time while its streams are late, or get no less late: whoever writes into a pipe that is full drops packets without
 * a word. What is late because its writer is, or a slow network, comes no sooner when less of it is followed.
 */
export class SamplingControl {
  rate = 1;
  private calmSince = Number.NaN;
  private lost = 0;
  private changedAt = Number.NEGATIVE_INFINITY;
  private busySince = Number.NaN;
  private lagThen = Number.NaN;

  /** @param nowSeconds of any clock that only goes forward */
  update(nowSeconds: number, { busyShare, lagSeconds, lost }: Load): void {
    const isBehind = this.isHeldUp(nowSeconds, busyShare, lagSeconds) || lost > this.lost;
    this.lost = lost;
    if (isBehind) {
      this.calmSince = Number.NaN;
      // what the last change brings shows only after a while
      if (nowSeconds - this.changedAt < BEHIND_SECONDS || this.rate >= MOST_SAMPLED) return;
      this.rate *= 2;
      this.changedAt = nowSeconds;
      this.busySince = Number.NaN;
    } else if (busyShare > CALM_SHARE) {
      this.calmSince = Number.NaN;
    } else if (Number.isNaN(this.calmSince)) {
      this.calmSince = nowSeconds;
    } else if (this.rate > 1 && nowSeconds - this.calmSince > CALM_SECONDS) {
      this.rate /= 2;
      this.changedAt = nowSeconds;
      this.calmSince = nowSeconds;
    }
  }

  /** Whether streams wait for the session. A capture that is read faster than it was written gets less late all the time. */
  private isHeldUp(now: number, busyShare: number, lag: number): boolean {
    if (!(busyShare > BUSY_SHARE) || Number.isNaN(lag)) {
      this.busySince = Number.NaN;
      return false;
    }
    if (Number.isNaN(this.busySince)) {
      this.busySince = now;
      this.lagThen = lag;
    }
    const seconds = now - this.busySince;
    const isCatchingUp = this.lagThen - lag > seconds * CATCHING_UP;
    return !isCatchingUp && seconds >= (lag > BEHIND_SECONDS ? BUSY_SECONDS : STUCK_SECONDS);
  }
}
