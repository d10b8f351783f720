import { ERSPAN } from "../decode/encapsulation.ts";
import * as L from "../flow/leg-layout.ts";
import type { AddressWords } from "../flow/leg-view.ts";
import { firstMacs } from "./first-macs.ts";
import type { LegRef, LegSet } from "./leg-set.ts";
import { destinationMac, isInitialTtl, isVirtualRouterMac, type Mac, sourceMac } from "./macs.ts";

/** Where a session that no NAT touched was sent by a direct-return load balancer. */
export type DirectReturn =
  | { kind: "tunnel"; backend: AddressWords; leg: LegRef }
  /** `isSeen`: the balancer itself was seen to send it on; else only the answer's MAC tells. */
  | { kind: "mac"; backend: Mac; leg: LegRef; isSeen: boolean };

/**
 * Finds the backend of a session whose legs all have the same 5-tuple, where requests went through a load balancer
 * and replies did not: by the tunnel that only requests take, or by the MAC to which the balancer sent the frames on.
 *
 * @param legs in the order in which the client's packets meet them
 * @returns null where nothing shows such a balancer: a router passes both directions
 */
export function findDirectReturn(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  return tunnelled(set, legs) ?? switched(set, legs) ?? answeredByNeighbour(set, legs);
}

function tunnelled(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  for (const ref of legs) {
    const view = set.view(ref);
    if (view.context === 0 || view.up.packets === 0 || view.down.packets > 0) continue;
    const layers = set.trackOf(ref).tracker.contexts.list[view.context]!;
    const tunnel = layers.findLast((layer) => layer.version !== 0);
    // A mirror's tunnel carries what passed elsewhere: it is no hop of the connection.
    if (!tunnel || tunnel.kind === ERSPAN) continue;
    return { kind: "tunnel", backend: view.has(L.LEG_TUNNEL_FROM_LOW) ? tunnel.high : tunnel.low, leg: ref };
  }
  return null;
}

/** The last box that took the client's frames and sent them on, and that the replies did not pass. */
function switched(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  for (let i = legs.length - 1; i >= 0; i--) {
    const ref = legs[i]!;
    const view = set.view(ref);
    const { up, down } = view;
    if (up.packets === 0 || view.context !== 0) continue;
    if (up.copies > 0) {
      const { copyMac } = firstMacs(set, ref, 0);
      const box = sourceMac(copyMac);
      if (box === 0) continue;
      const passesBack =
        down.packets > 0 &&
        [down.mac, ...(down.copies > 0 ? [down.copyMac] : [])].some(
          (mac) => sourceMac(mac) === box || destinationMac(mac) === box,
        );
      const target = destinationMac(copyMac);
      return passesBack || target === 0 ? null : { kind: "mac", backend: target, leg: ref, isSeen: true };
    }
    if (down.packets > 0) continue;
    // In by one interface, out by another of the same node, nothing back by either.
    const node = set.pointOf(ref).nodeName;
    const sameNode = legs.filter((other) => set.pointOf(other).nodeName === node);
    const cameIn = sameNode.find((other) => legs.indexOf(other) < i && set.pointOf(other) !== set.pointOf(ref));
    if (cameIn === undefined) continue;
    if (sameNode.some((other) => set.view(other).down.packets > 0)) continue;
    const target = destinationMac(firstMacs(set, ref, 0).mac);
    if (target !== 0 && target !== destinationMac(firstMacs(set, cameIn, 0).mac)) {
      return { kind: "mac", backend: target, leg: ref, isSeen: true };
    }
  }
  return null;
}

/**
 * The answer comes from a neighbour (its TTL is still a host's initial one) whose MAC is not the one that the request
 * was sent to: the box that got the request passed it on, and the backend answers past it.
 */
function answeredByNeighbour(set: LegSet, legs: readonly LegRef[]): DirectReturn | null {
  for (let i = legs.length - 1; i >= 0; i--) {
    const ref = legs[i]!;
    const view = set.view(ref);
    const { up, down } = view;
    if (up.packets === 0 || down.packets === 0 || view.context !== 0) continue;
    const asked =
      up.copies > 0 ? destinationMac(firstMacs(set, ref, 0).copyMac) : destinationMac(firstMacs(set, ref, 0).mac);
    const answered = sourceMac(firstMacs(set, ref, 1).mac);
    if (asked === 0 || answered === 0 || asked === answered) continue;
    if (isVirtualRouterMac(asked) || !isInitialTtl(down.ttl.first)) continue;
    return { kind: "mac", backend: answered, leg: ref, isSeen: false };
  }
  return null;
}

/** MAC of the neighbour that answered, where the answer was made by it; 0 where that cannot be told. */
export function answeringNeighbour(set: LegSet, legs: readonly LegRef[]): Mac {
  for (let i = legs.length - 1; i >= 0; i--) {
    const { down } = set.view(legs[i]!);
    if (down.packets > 0 && isInitialTtl(down.ttl.first)) return sourceMac(down.mac);
  }
  return 0;
}
