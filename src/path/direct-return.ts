import { ERSPAN } from "../decode/encapsulation.ts";
import type { ContextLayer } from "../flow/contexts.ts";
import * as L from "../flow/leg-layout.ts";
import type { AddressWords, LegView } from "../flow/leg-view.ts";
import { firstCopyMacs, firstMacs } from "./first-macs.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { isInitialTtl, isVirtualRouterMac, type Mac } from "./macs.ts";

/**
 * Where a session that no NAT touched was sent by a direct-return load balancer.
 *
 * `isProven`: its own packets show it. Else the same could be seen of a router or a tunnel between sites, and only
 * other sessions of the VIP, sent elsewhere by the same `balancer`, tell that it shares out load.
 */
export type DirectReturn =
  | { kind: "tunnel"; backend: AddressWords; leg: LegRef; isProven: boolean }
  | { kind: "mac"; backend: Mac; balancer: Mac; leg: LegRef; isProven: boolean };

/**
 * Finds the backend of a session whose legs all have the same 5-tuple, where requests went through a load balancer
 * and replies did not: by the tunnel that only requests take, or by the MAC to which the balancer sent the frames on.
 *
 * @param legs in the order in which the client's packets meet them
 * @returns null where nothing shows such a balancer: a router passes both directions
 */
export function findDirectReturn(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  if (legs.length === 1 && isPlain(set, legs[0]!)) return null;
  return tunnelled(set, legs) ?? handedOn(set, legs) ?? answeredByNeighbour(set, legs);
}

/**
 * True for a leg that alone shows nothing: outside all tunnels, without copies, and answered by whom it was sent to or
 * by nobody near. Nearly all are; the others are looked at closer.
 */
function isPlain(set: LegSet, ref: LegRef): boolean {
  const { legs } = set.trackOf(ref).tracker;
  const leg = set.legOf(ref);
  const w = legs.words(leg);
  const at = legs.base(leg);
  const up = at + L.SIDE_0;
  const down = at + L.SIDE_1;
  if (w[at + L.CONTEXT] !== 0 || w[up + L.COPIES] !== 0) return false;
  if (w[up + L.PACKETS] === 0 || w[down + L.PACKETS] === 0) return true;
  if (!isInitialTtl((w[down + L.TTL]! >>> 16) & 0xff)) return true;
  // Destination MAC of the one direction, source MAC of the other (see `destinationMac`, `sourceMac`).
  const asked = up + L.MAC;
  const answered = down + L.MAC;
  if (w[up + L.MAC_CHANGES] !== 0 || w[down + L.MAC_CHANGES] !== 0) return false;
  return (
    w[asked]! >>> 16 === (w[answered + 1]! & 0xffff) && ((w[asked]! << 16) | (w[asked + 1]! >>> 16)) === w[answered + 2]
  );
}

function tunnelled(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  let chosen: LegRef | null = null;
  let isOpened = false;
  for (const ref of legs) {
    if (!isTunnelled(set, ref)) continue;
    const view = set.view(ref);
    // Both directions pass: an overlay between hosts.
    if (view.down.packets > 0) return null;
    const opened = view.has(L.LEG_SYN);
    // GLB hands on what it does not know: the last of the tunnels that the SYN took leads to who answered. One that
    // a flow took later, when it moved, leads to who did not.
    if (chosen !== null && !opened && (isOpened || !isHandedOnFrom(set, chosen, ref))) continue;
    chosen = ref;
    isOpened = opened;
  }
  if (chosen === null || !isAlive(set, legs, chosen)) return null;
  const isProven = isEncapsulatedInView(set, legs, chosen) || isAnsweredByEnd(set, legs, chosen);
  return { kind: "tunnel", backend: tunnelEnds(set, chosen).to, leg: chosen, isProven };
}

/**
 * Where the opening of a flow was not seen, it may have moved here from another backend, which this one resets: only
 * answers show that it lives here, or acknowledgments that go on.
 */
function isAlive(set: LegSet, legs: readonly LegRef[], ref: LegRef): boolean {
  const view = set.view(ref);
  if (!view.has(L.LEG_MIDSTREAM) || view.up.acksOfUnseen > 1) return true;
  return legs.some((other) => {
    const { down } = set.view(other);
    return down.packets > down.resets;
  });
}

/** The innermost tunnel of a leg, from where the opener's packets enter it. */
function tunnelEnds(set: LegSet, ref: LegRef): { from: AddressWords; to: AddressWords } {
  const view = set.view(ref);
  const tunnel = layersOf(view).findLast((layer) => layer.version !== 0)!;
  const { low, high } = tunnel;
  return view.has(L.LEG_TUNNEL_FROM_LOW) ? { from: low, to: high } : { from: high, to: low };
}

/** True for a leg inside a tunnel. VLAN tags are none, and a mirror's tunnel is no hop of the connection. */
export function isTunnelled(set: LegSet, ref: LegRef): boolean {
  const view = set.view(ref);
  if (view.context === 0) return false;
  const tunnel = layersOf(view).findLast((layer) => layer.version !== 0);
  return tunnel !== undefined && tunnel.kind !== ERSPAN;
}

function layersOf(view: LegView): readonly ContextLayer[] {
  return view.tracker.contexts.list[view.context]!;
}

function isHandedOnFrom(set: LegSet, before: LegRef, after: LegRef): boolean {
  const { to } = tunnelEnds(set, before);
  const { from } = tunnelEnds(set, after);
  return to.every((word, i) => word === from[i]);
}

/** The client's packets were seen before they entered the tunnel. */
function isEncapsulatedInView(set: LegSet, legs: readonly LegRef[], tunnel: LegRef): boolean {
  const before = legs.slice(0, legs.indexOf(tunnel));
  return before.some((ref) => set.view(ref).up.packets > 0 && !isTunnelled(set, ref));
}

/** The host that the tunnelled frames were sent to answered itself. */
function isAnsweredByEnd(set: LegSet, legs: readonly LegRef[], tunnel: LegRef): boolean {
  const end = firstMacs(set, tunnel, 0).destination;
  return end !== 0 && answersFrom(set, legs, end);
}

function answersFrom(set: LegSet, legs: readonly LegRef[], mac: Mac): boolean {
  return legs.some((ref) => {
    const { down } = set.view(ref);
    return down.packets > 0 && isInitialTtl(down.ttl.first) && firstMacs(set, ref, 1).source === mac;
  });
}

/** The last box that took the client's frames and sent them on, and that the replies did not pass. */
function handedOn(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  const found: Extract<DirectReturn, { kind: "mac" }>[] = [];
  for (let i = legs.length - 1; i >= 0; i--) {
    const ref = legs[i]!;
    const view = set.view(ref);
    if (view.up.packets === 0) continue;
    const one = view.passesTwice(0) ? byOneArm(set, legs, ref) : i > 0 ? byTwoArms(set, legs, i) : undefined;
    if (one === null) break;
    if (one?.kind === "mac") found.push(one);
  }
  // A router before the balancer hands frames on to it, and replies may pass that router by as well.
  return found.find(({ backend }) => !found.some(({ balancer }) => balancer === backend)) ?? null;
}

/** In and out by one interface. Null where the replies pass there too, undefined where nothing was handed on. */
function byOneArm(set: LegSet, legs: readonly LegRef[], ref: LegRef): DirectReturn | null | undefined {
  if (isTunnelled(set, ref)) return undefined;
  const { source: box, destination: target } = firstCopyMacs(set, ref, 0);
  if (box === 0) return undefined;
  const view = set.view(ref);
  const ttl = view.up.ttl;
  const isRouted = ttl.lowest !== ttl.highest || ttl.last !== view.copyTtl(0);
  const { copies, packets } = view.down;
  if (!isAlive(set, legs, ref)) return null;
  if (target === 0 || (packets > 0 && isEndOf(box, firstMacs(set, ref, 1)))) return null;
  if (copies > 0 && isEndOf(box, firstCopyMacs(set, ref, 1))) return null;
  return handedTo(set, legs, ref, box, target, isRouted);
}

/** In by one interface (or VLAN), out by another of the same node, and nothing back by either. */
function byTwoArms(set: LegSet, legs: readonly LegRef[], index: number): DirectReturn | undefined {
  const ref = legs[index]!;
  if (set.view(ref).down.packets > 0 || isTunnelled(set, ref)) return undefined;
  const node = set.pointOf(ref).nodeName;
  let cameIn: LegRef | undefined;
  for (let i = 0; i < legs.length; i++) {
    const other = legs[i]!;
    if (set.pointOf(other).nodeName !== node) continue;
    if (set.view(other).down.packets > 0) return undefined;
    if (i < index && !isTunnelled(set, other)) cameIn ??= other;
  }
  if (cameIn === undefined) return undefined;
  const { source: box, destination: target } = firstMacs(set, ref, 0);
  if (target === 0 || target === firstMacs(set, cameIn, 0).destination) return undefined;
  if (!isAlive(set, legs, ref)) return undefined;
  const ttlBefore = set.view(cameIn).up.ttl.first;
  return handedTo(set, legs, ref, box, target, set.view(ref).up.ttl.first !== ttlBefore);
}

/**
 * A router takes one from the TTL, a balancer that only rewrites MACs does not. Where the TTL tells of routing (as with
 * IPVS), the box is a balancer for sure only where the one it sent the frames to answered itself.
 */
function handedTo(
  set: LegSet,
  legs: readonly LegRef[],
  leg: LegRef,
  balancer: Mac,
  backend: Mac,
  isRouted: boolean,
): DirectReturn {
  return { kind: "mac", backend, balancer, leg, isProven: !isRouted || answersFrom(set, legs, backend) };
}

function isEndOf(mac: Mac, ends: { source: Mac; destination: Mac }): boolean {
  return ends.source === mac || ends.destination === mac;
}

/**
 * The answer comes from a neighbour (its TTL is still a host's initial one) whose MAC is not the one that the request
 * was sent to: the box that got the request passed it on, and the backend answers past it. A host with several
 * network cards may look so, too.
 */
function answeredByNeighbour(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  for (let i = legs.length - 1; i >= 0; i--) {
    const ref = legs[i]!;
    const neighbours = askedAndAnswered(set, ref);
    if (neighbours === null || neighbours.asked === neighbours.answered) continue;
    if (isVirtualRouterMac(neighbours.asked)) continue;
    return { kind: "mac", backend: neighbours.answered, balancer: neighbours.asked, leg: ref, isProven: false };
  }
  return null;
}

/** Whom a request was sent to, and who answered it, where both are neighbours of the point; null where unknown. */
export function askedAndAnswered(set: LegSet, ref: LegRef): { asked: Mac; answered: Mac } | null {
  const view = set.view(ref);
  const { up, down } = view;
  if (up.packets === 0 || down.packets === 0 || !isInitialTtl(down.firstTtl)) return null;
  const hasCopies = view.passesTwice(0);
  if (isTunnelled(set, ref)) return null;
  const answered = firstMacs(set, ref, 1).source;
  const asked = hasCopies ? firstCopyMacs(set, ref, 0).destination : firstMacs(set, ref, 0).destination;
  return asked === 0 || answered === 0 ? null : { asked, answered };
}

/** MAC of the neighbour that answered, where the answer was made by it; 0 where that cannot be told. */
export function answeringNeighbour(set: LegSet, legs: readonly LegRef[]): Mac {
  for (let i = legs.length - 1; i >= 0; i--) {
    const { down } = set.view(legs[i]!);
    if (down.packets > 0 && isInitialTtl(down.firstTtl)) return firstMacs(set, legs[i]!, 1).source;
  }
  return 0;
}
