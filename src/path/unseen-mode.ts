import { isInitialTtl } from "./macs.ts";
import type { MemberCount, VipCount } from "./vip-counts.ts";

/** What the clients' side alone shows of a VIP. */
export interface UnseenMode {
  mode: "fullnat" | null;
  /** Replies were passed on by the balancer, not made by it: some NAT, no terminating proxy. */
  isForwarded: boolean;
  /** Several boxes take the VIP's connections, each with its own replies. */
  isTier: boolean;
}

/** Connections of a member from which it may be judged. */
const MIN_ANSWERED = 3;
/** Share that has to agree; the rest are strays: resets, ICMP, moved flows. */
const AGREEMENT = 0.95;

/**
 * Judges a VIP whose backends' side nobody captured.
 *
 * A reply whose TTL is one below an initial value was forwarded by the box that sent it here. Where two or more boxes
 * take the VIP's connections and each gets the replies of its own, the backends do not just send them to their one
 * gateway: the boxes put their own address in the client's place, which is full NAT. Where only one box does, plain
 * and full NAT look the same from here, and a router before a plain server does, too: it takes a sign that the box is
 * the VIP's (`isOwner`), or servers of several kinds behind one address.
 *
 * @param isOwner whether the box with this MAC is known to hold the VIP or to be a load balancer
 */
export function unseenMode(vip: VipCount, isOwner: (mac: number) => boolean): UnseenMode {
  const judged = [...vip.members].filter(([, { answered }]) => answered >= MIN_ANSWERED);
  const answered = sum(judged, (member) => member.answered);
  const itself = sum(judged, (member) => member.answeredItself);
  if (answered === 0 || itself < answered * AGREEMENT) return { mode: null, isForwarded: false, isTier: false };
  const isForwarded = sum(judged, oneBelow) >= answered * AGREEMENT;
  const isTier = judged.length > 1;
  const isShown = isTier || judged.some(([mac]) => isOwner(mac)) || kindsOfServers(judged) > 1;
  return { mode: isTier && isForwarded ? "fullnat" : null, isForwarded: isForwarded && isShown, isTier };
}

/** A host's TTL after one hop. */
export function isOneBelowInitial(ttl: number): boolean {
  return isInitialTtl(ttl + 1);
}

function oneBelow(member: MemberCount): number {
  let connections = 0;
  for (const [ttl, count] of member.replyTtls) if (isOneBelowInitial(ttl)) connections += count;
  return connections;
}

/** TTLs of forwarded replies that are not just a few: one host has one initial TTL. */
function kindsOfServers(members: readonly (readonly [number, MemberCount])[]): number {
  const kinds = new Map<number, number>();
  for (const [, { replyTtls }] of members) {
    for (const [ttl, count] of replyTtls) if (isOneBelowInitial(ttl)) kinds.set(ttl, (kinds.get(ttl) ?? 0) + count);
  }
  const total = [...kinds.values()].reduce((all, count) => all + count, 0);
  return [...kinds.values()].filter((count) => count >= Math.max(MIN_ANSWERED, total * (1 - AGREEMENT))).length;
}

function sum(members: readonly (readonly [number, MemberCount])[], of: (member: MemberCount) => number): number {
  return members.reduce((total, [, member]) => total + of(member), 0);
}
