import type { Case, VipGroup } from "../diagnose/case.ts";
import { membershipsOf } from "../diagnose/members.ts";
import type { Membership } from "../diagnose/membership.ts";

/** Share of a VIP's connections that a tier of load balancers sees: fewer pass a backend, or were overheard. */
const TIER_SHARE = 0.5;

/** The tiers that share a VIP's connections before its backends do. */
export function tiersOf(subject: Case, group: VipGroup): readonly Membership[] {
  return membershipsOf(subject, group).filter(
    ({ kind, memberOf }) => kind === "node" || memberOf.size >= group.connections.length * TIER_SHARE,
  );
}

/** A tier by how its members are told apart: `lb` by the balancers' own captures, else `mac at r:eth0` and the like. */
export function tierName({ kind, point }: Membership): string {
  if (kind === "node") return "lb";
  return kind === "point" ? "node" : `${kind} at ${point}`;
}
