import type { AddressWords } from "../flow/leg-view.ts";
import type { Connection } from "./connection.ts";
import type { EndpointTable } from "./endpoints.ts";
import type { LegSet } from "./leg-set.ts";
import { isInitialTtl, type Mac, sourceMac } from "./macs.ts";

/**
 * Gives backends that are known by their MAC the address that ARP, neighbour discovery or other traffic shows for it,
 * with the VIP's port. A MAC with several addresses, or none, stays a MAC.
 */
export function nameMacs(set: LegSet, endpoints: EndpointTable, connections: readonly Connection[]): void {
  const backends = connections.filter(({ backend }) => backend !== null && endpoints.isMac(backend));
  if (backends.length === 0) return;
  const vips = new Set(connections.map(({ vip }) => endpoints.withPort(vip, 0)));
  const owners = addressesByMac(set, endpoints, vips);
  for (const connection of backends) {
    const [, , high, low] = endpoints.address(connection.backend!);
    const address = owners.get(high * 4294967296 + (low >>> 0));
    if (address !== undefined && address !== null) {
      connection.backend = endpoints.withPort(address, endpoints.port(connection.vip));
    }
  }
}

/** The one address of each MAC; null where several are seen. VIPs are nobody's own address. */
export function addressesByMac(
  set: LegSet,
  endpoints: EndpointTable,
  vips: ReadonlySet<number>,
): Map<Mac, number | null> {
  const owners = new Map<Mac, number | null>();
  const learn = (mac: Mac, words: AddressWords) => {
    if (mac === 0 || words.every((word) => word === 0)) return;
    const address = endpoints.ofWords(words, 0);
    if (vips.has(address) || isLinkLocal(words)) return;
    const known = owners.get(mac);
    if (known === undefined) owners.set(mac, address);
    else if (known !== address) owners.set(mac, null);
  };
  for (const { tracker, view } of set.tracks) {
    for (const message of tracker.neighbourhood.messages) {
      learn(message.senderMac[0] * 4294967296 + (message.senderMac[1] >>> 0), message.sender);
    }
    for (const leg of view.all()) {
      if (leg.isInTunnel) continue;
      if (leg.up.packets > 0 && isInitialTtl(leg.up.ttl.first)) learn(sourceMac(leg.up.mac), leg.src);
      if (leg.down.packets > 0 && isInitialTtl(leg.down.ttl.first)) learn(sourceMac(leg.down.mac), leg.dst);
    }
  }
  return owners;
}

/** fe80::/10: every IPv6 host has one beside its address. */
function isLinkLocal(words: AddressWords): boolean {
  return (words[0] & 0xffc00000) === (0xfe800000 | 0);
}
