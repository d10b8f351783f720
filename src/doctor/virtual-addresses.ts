import { isInNetwork } from "../host/addresses-in-hex.ts";
import type { Link } from "../host/links.ts";
import { type AddressWords, addressText, isIpv4 } from "../topology/address.ts";
import type { HostFacts } from "./host-facts.ts";

/** An address that a host has without a wire for it. */
export interface VirtualAddress {
  address: AddressWords;
  text: string;
  /** The interface that holds it: lo, a dummy, a tunnel. */
  holder: Link;
  /** The interface in whose network it lies, so that neighbours there ask by ARP who has it; null where none. */
  onLink: Link | null;
}

/** Kinds of devices that take packets out of IP tunnels, and nothing else. */
const IP_TUNNELS: ReadonlySet<string> = new Set(["ipip", "ip6tnl", "sit", "gre", "ip6gre", "ipip6", "fou", "gue"]);

export function isIpTunnel({ kind }: Link): boolean {
  return kind !== null && IP_TUNNELS.has(kind);
}

/** Tunnels that are up and that nothing is routed into: they only take packets out, as a real server's do. */
export function decapsulators(facts: HostFacts): Link[] {
  return facts.links.filter(
    (link) =>
      link.isUp &&
      isIpTunnel(link) &&
      !(facts.routes ?? []).some(
        ({ device, type, isConnected }) => device === link.name && type === "unicast" && !isConnected,
      ),
  );
}

/**
 * Addresses that could be VIPs of direct return: whole addresses on lo, a dummy or a decapsulating tunnel, other than
 * those IPVS serves here. Empty where IPVS serves marks: any address could be one of its own then.
 */
export function virtualAddresses(facts: HostFacts): VirtualAddress[] {
  const services = facts.ipvs?.services ?? [];
  if (services.some(({ vip }) => vip === null)) return [];
  const own = new Set(services.map(({ vip }) => (vip === null ? "" : addressText(vip.address))));
  const tunnels = new Set(decapsulators(facts));
  const found: VirtualAddress[] = [];
  for (const holder of facts.links) {
    if (!holder.isUp || (!holder.isLoopback && holder.kind !== "dummy" && !tunnels.has(holder))) continue;
    for (const { address, prefixLength, scope } of holder.addresses) {
      const text = addressText(address);
      const isWhole = prefixLength === (isIpv4(address) ? 32 : 128);
      if (!isWhole || scope === "host" || scope === "link" || own.has(text) || isOverlay(facts, address)) continue;
      found.push({ address, text, holder, onLink: neighbourhoodOf(facts, address) });
    }
  }
  return found;
}

/**
 * Addresses of a node's own that overlay networks put on tunnels and dummies: out of a block that the node holds as a
 * whole by a blackhole route (Calico), or link-local (caches of name servers).
 */
function isOverlay(facts: HostFacts, address: AddressWords): boolean {
  if (isIpv4(address) && address[3] >>> 16 === 0xa9fe) return true;
  return (facts.routes ?? []).some(
    ({ type, family, network, prefixLength }) =>
      type === "blackhole" &&
      family === (isIpv4(address) ? 4 : 6) &&
      prefixLength > 0 &&
      isInNetwork(address, network, prefixLength),
  );
}

function neighbourhoodOf(facts: HostFacts, address: AddressWords): Link | null {
  const isNear = (link: Link) =>
    link.addresses.some(
      (own) =>
        isIpv4(own.address) === isIpv4(address) &&
        own.prefixLength < (isIpv4(address) ? 32 : 128) &&
        isInNetwork(address, own.address, own.prefixLength),
    );
  return facts.wires.find((link) => link.hasArp && isNear(link)) ?? null;
}
