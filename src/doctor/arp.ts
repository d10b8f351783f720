import { isIpv4 } from "../topology/address.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";
import { isAny } from "./roles.ts";
import { type VirtualAddress, virtualAddresses } from "./virtual-addresses.ts";

/**
 * Linux answers ARP on any interface for any address of the host, unless arp_ignore says otherwise: 1 and 2 answer only
 * for the interface's own, 8 for none. (3 to 7 do not keep a VIP on lo from being told.)
 */
const ARP_IGNORES: ReadonlySet<number> = new Set([1, 2, 8]);
const ANNOUNCES_OWN = 2;

/** Real servers of direct return hold the VIP and must not tell so: else neighbours send to them past the balancer. */
export const ARP: readonly Check[] = [
  {
    id: "arp.ignore",
    look(facts, roles) {
      const vips = virtualAddresses(facts).filter(({ address }) => isIpv4(address));
      const [vip] = vips;
      if (vip === undefined) return SILENT;
      if (!isAny(roles, "real-server")) return roles.isGiven ? SILENT : askForRole(facts, vip);
      return interfacesOf(facts, vips).flatMap((name) => {
        const value = facts.effective(name, "arp_ignore");
        if (value === null) return SILENT;
        const seen = seenOf(facts, name, "arp_ignore");
        if (ARP_IGNORES.has(value)) return fine(`${name} does not answer ARP for ${textOf(vips)}`, seen);
        if ((facts.rules?.arpRules ?? 0) > 0) {
          return told("unknown", {
            title: `arp_ignore is ${value} on ${name}, but there are rules for ARP packets`,
            seen,
            why: "A filter can keep this host from answering for the VIP as well; whether these rules do is not known here.",
            remedy: [`from a neighbour: arping -c 3 -I ${name} ${vip.text}   # only the balancer may answer`],
          });
        }
        const near = vips.find(({ onLink }) => onLink?.name === name);
        return told(near === undefined ? "warning" : "critical", {
          title: `${name} answers ARP for ${(near ?? vip).text}`,
          seen,
          why: `The host answers for the VIP on ${(near ?? vip).holder.name} as if it were its own: whoever asks on that network sends to this real server, past the balancer, or back and forth as answers race.`,
          remedy: ["sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"],
        });
      });
    },
  },
  {
    id: "arp.announce",
    look(facts, roles) {
      const vips = virtualAddresses(facts).filter(({ address }) => isIpv4(address));
      if (!isAny(roles, "real-server") || vips.length === 0) return SILENT;
      return interfacesOf(facts, vips).flatMap((name) => {
        const value = facts.effective(name, "arp_announce");
        if (value === null) return SILENT;
        const seen = seenOf(facts, name, "arp_announce");
        if (value === ANNOUNCES_OWN) return fine(`${name} asks by ARP with its own address`, seen);
        // at 1 the VIP is not used towards a target in the interface's network, and an ARP target is in it
        const isNear = vips.some(({ onLink }) => onLink?.name === name);
        if (value === 1 && !isNear) return fine(`${name} asks by ARP with its own address`, seen);
        return told("warning", {
          title: `${name} may ask by ARP with ${textOf(vips)} as its own`,
          seen,
          why: "When this host looks for its gateway to send a reply, the request carries the VIP as sender: every neighbour that hears it notes this server's MAC for the VIP.",
          remedy: ["sysctl -w net.ipv4.conf.all.arp_announce=2"],
        });
      });
    },
  },
];

function askForRole(facts: HostFacts, vip: VirtualAddress) {
  const open = facts.wires.filter(
    ({ name, hasArp }) => hasArp && !ARP_IGNORES.has(facts.effective(name, "arp_ignore") ?? 1),
  );
  // translating balancers have their VIP there as well, and must be found
  if (open.length === 0 || facts.ipvs !== null || (facts.rules?.destinationNats ?? 0) > 0) return SILENT;
  return told("unknown", {
    title: `${vip.text} is on ${vip.holder.name}: as a real server's VIP, or announced by a routing daemon?`,
    seen: Object.fromEntries(open.map(({ name }) => [`arp_ignore of ${name}`, facts.effective(name, "arp_ignore")])),
    why: "Of a real server with direct return, nobody may learn the VIP by ARP; of an announced address it does not matter.",
    remedy: ["l4scope doctor --role real-server   # or --role proxy"],
  });
}

/** Where neighbours could ask: those in whose network a VIP is, else all with ARP. */
function interfacesOf(facts: HostFacts, vips: readonly VirtualAddress[]): string[] {
  const near = vips.flatMap(({ onLink }) => (onLink === null ? [] : [onLink.name]));
  const all = facts.wires.filter(({ hasArp, addresses }) => hasArp && addresses.some(({ address }) => isIpv4(address)));
  return [...new Set(near.length > 0 ? near : all.map(({ name }) => name))];
}

function seenOf(facts: HostFacts, name: string, sysctl: "arp_ignore" | "arp_announce") {
  return {
    [`net.ipv4.conf.all.${sysctl}`]: facts.sysctl(`net.ipv4.conf.all.${sysctl}`),
    [`${name} (effective)`]: facts.effective(name, sysctl),
  };
}

function textOf(vips: readonly VirtualAddress[]): string {
  const [first, second] = vips;
  if (first === undefined) return "";
  return second === undefined ? first.text : `${first.text} and ${vips.length - 1} more`;
}
