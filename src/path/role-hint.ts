import type { NodeRole } from "../topology/vocabulary.ts";

/** How people call the hosts they capture on. */
const WORDS: readonly (readonly [RegExp, NodeRole])[] = [
  [/^(lb|slb|nlb|l4lb|lvs|ipvs|dpvs|katran|haproxy|envoy|nginx|director|loadbalancer)/i, "lb"],
  [/^(r|rtr|router|gw|gateway|tor|spine|leaf|fw|sw)([-_.\d]|$)/i, "router"],
  [/^(rs|be|backend|real|realserver|srv|server|web|app|db)([-_.\d]|$)/i, "backend"],
  [/^(c|cl|client|user)([-_.\d]|$)/i, "client"],
];

/**
 * What the name of a captured host, which its user chose, says of its role; null where it says nothing. Only for
 * where packets leave two things equally possible.
 */
export function roleHint(name: string): NodeRole | null {
  return WORDS.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
