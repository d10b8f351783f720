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

/** Behind by more than this, a session follows fewer conversations; less, for a while, more again. */
const BEHIND_SECONDS = 2;
const CAUGHT_UP_SECONDS = 0.5;
const CALM_SECONDS = 15;

/** Chooses how many conversations are followed by how far the session is behind its sources and what they lose. */
export class SamplingControl {
  rate = 1;
  private calmSince = Number.NaN;
  private lost = 0;
  private changedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param nowSeconds of any clock that only goes forward
   * @param behindSeconds how old the packets are that are being tracked, of what can wait
   * @param lost packets that sources lost since the beginning
   */
  update(nowSeconds: number, behindSeconds: number, lost: number): void {
    const isBehind = behindSeconds > BEHIND_SECONDS || lost > this.lost;
    this.lost = lost;
    if (isBehind) {
      this.calmSince = Number.NaN;
      // what the last change brings shows only after a while
      if (nowSeconds - this.changedAt < BEHIND_SECONDS || this.rate >= MOST_SAMPLED) return;
      this.rate *= 2;
      this.changedAt = nowSeconds;
    } else if (behindSeconds > CAUGHT_UP_SECONDS) {
      this.calmSince = Number.NaN;
    } else if (Number.isNaN(this.calmSince)) {
      this.calmSince = nowSeconds;
    } else if (this.rate > 1 && nowSeconds - this.calmSince > CALM_SECONDS) {
      this.rate /= 2;
      this.changedAt = nowSeconds;
      this.calmSince = nowSeconds;
    }
  }
}
