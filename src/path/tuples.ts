import * as L from "../flow/leg-layout.ts";
import type { LegView } from "../flow/leg-view.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegRef, LegSet } from "./leg-set.ts";

/** The two ends of a leg as numbers of the run's endpoints. */
export interface Tuple {
  src: number;
  dst: number;
}

/** The tuple of a leg; legs of one session that no NAT separates have the same. */
export function tupleOf(view: LegView, endpoints: EndpointTable): Tuple {
  return { src: endpoints.ofWords(view.src, view.srcPort), dst: endpoints.ofWords(view.dst, view.dstPort) };
}

/** The number of a leg's opener, and of whom it called. */
export function sourceOf(set: LegSet, endpoints: EndpointTable, ref: LegRef): number {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  const w = legs.words(leg);
  const at = legs.base(leg);
  const a = at + L.ADDRESS;
  return endpoints.of(w[a]!, w[a + 1]!, w[a + 2]!, w[a + 3]!, w[at + L.PORTS]! >>> 16);
}

export function destinationOf(set: LegSet, endpoints: EndpointTable, ref: LegRef): number {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  const w = legs.words(leg);
  const at = legs.base(leg);
  const a = at + L.ADDRESS + 4;
  return endpoints.of(w[a]!, w[a + 1]!, w[a + 2]!, w[a + 3]!, w[at + L.PORTS]! & 0xffff);
}

/** True where two legs have the same destination: address and port. */
export function isSameDestination(set: LegSet, a: LegRef, b: LegRef): boolean {
  return sameWords(set, a, b, 4, 4, 0xffff);
}

export function isSameTuple(set: LegSet, a: LegRef, b: LegRef): boolean {
  return sameWords(set, a, b, 8, 0, -1);
}

function sameWords(set: LegSet, a: LegRef, b: LegRef, count: number, first: number, portMask: number): boolean {
  const legsA = set.trackOf(a).tracker.legs;
  const legsB = set.trackOf(b).tracker.legs;
  const wa = legsA.words(set.legOf(a));
  const wb = legsB.words(set.legOf(b));
  const atA = legsA.base(set.legOf(a));
  const atB = legsB.base(set.legOf(b));
  if (((wa[atA + L.PORTS]! ^ wb[atB + L.PORTS]!) & portMask) !== 0) return false;
  for (let i = first; i < first + count; i++) if (wa[atA + L.ADDRESS + i] !== wb[atB + L.ADDRESS + i]) return false;
  return true;
}
