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
