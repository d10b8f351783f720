import { isVirtualRouterMac, type Mac } from "../path/macs.ts";
import type { Case } from "./case.ts";

/** What one MAC said at one point about whose an address is, by ARP or neighbour discovery. Times on the reference clock. */
export interface Claim {
  mac: Mac;
  /** Number of `LegSet.points`. */
  point: number;
  capture: number;
  count: number;
  /** Directed answers among them: times of the first and last; NaN without. */
  firstReply: number;
  lastReply: number;
  first: number;
  last: number;
  firstFrame: number;
  lastFrame: number;
}

/** Who claimed the VIPs' addresses (numbers with port 0): by address, then by point and MAC. */
export function claimsOfVips(subject: Case): Map<number, Claim[]> {
  const { set, endpoints, clocks } = subject.connected;
  const vips = new Set(subject.vips.map(({ vip }) => endpoints.withPort(vip, 0)));
  const claims = new Map<number, Claim[]>();
  for (const track of set.tracks) {
    const clock = clocks[track.capture]!;
    for (const message of track.tracker.neighbourhood.messages) {
      const address = endpoints.ofWords(message.sender, 0);
      if (!vips.has(address)) continue;
      const mac = message.senderMac[0] * 4294967296 + (message.senderMac[1] >>> 0);
      if (mac === 0) continue;
      const isGratuitous = message.sender.every((word, i) => word === message.target[i]);
      const isReply = message.operation === 2 && !isGratuitous;
      const first = message.firstTime - clock.at(message.firstTime);
      const last = message.lastTime - clock.at(message.lastTime);
      const list = claims.get(address) ?? [];
      claims.set(address, list);
      const point = track.points[message.point]!;
      const known = list.find((claim) => claim.mac === mac && claim.point === point);
      if (known) {
        known.count += message.count;
        if (first < known.first) known.firstFrame = message.firstFrame;
        if (last > known.last) known.lastFrame = message.lastFrame;
        known.first = Math.min(known.first, first);
        known.last = Math.max(known.last, last);
        if (isReply) {
          known.firstReply = Number.isNaN(known.firstReply) ? first : Math.min(known.firstReply, first);
          known.lastReply = Number.isNaN(known.lastReply) ? last : Math.max(known.lastReply, last);
        }
        continue;
      }
      list.push({
        mac,
        point,
        capture: track.capture,
        count: message.count,
        firstReply: isReply ? first : Number.NaN,
        lastReply: isReply ? last : Number.NaN,
        first,
        last,
        firstFrame: message.firstFrame,
        lastFrame: message.lastFrame,
      });
    }
  }
  return claims;
}

/** Two hosts answered the same question where their answers come this close. */
const SAME_QUESTION_NS = 0.5e9;

/** True where two MACs claimed an address at the same time, and none took it over from the other. */
export function isContested(a: Claim, b: Claim): boolean {
  if (a.point !== b.point || a.mac === b.mac || isVirtualRouterMac(a.mac) || isVirtualRouterMac(b.mac)) return false;
  return (
    [a.firstReply, a.lastReply].some((one) =>
      [b.firstReply, b.lastReply].some((other) => Math.abs(one - other) < SAME_QUESTION_NS),
    ) ||
    // Each came back after the other, and more than once.
    (a.first < b.first && b.first < a.last && a.last < b.last && a.count + b.count > 6)
  );
}
