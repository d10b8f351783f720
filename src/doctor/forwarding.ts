import { isInNetwork } from "../host/addresses-in-hex.ts";
import { readOffloads } from "../host/offloads.ts";
import { interfaceSysctl } from "../host/sysctl.ts";
import { isIpv4 } from "../topology/address.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";
import { isAny } from "./roles.ts";

/** Each is asked by a process of its own. */
const MOST_INTERFACES = 32;

export const FORWARDING: readonly Check[] = [
  {
    id: "forwarding.ip-forward",
    look(facts, roles) {
      const value = facts.sysctl("net.ipv4.ip_forward");
      const translated = translatedServers(facts);
      const isGiven = roles.isGiven && isAny(roles, "router");
      if (value === null || (translated === null && !isGiven)) return SILENT;
      const closed = value === 1 ? closedInterfaces(facts) : [];
      const seen = {
        "net.ipv4.ip_forward": value,
        ...Object.fromEntries(closed.map((name) => [interfaceSysctl(name, "forwarding"), 0])),
      };
      if (value === 1 && closed.length === 0) return fine("packets are forwarded", seen);
      return told("critical", {
        title:
          value === 1
            ? `forwarding is off on ${closed.join(" and ")}, where real servers are`
            : "forwarding is off (ip_forward is 0)",
        seen,
        why: `${translated ?? "A router's packets"} pass through this host to somewhere else: without forwarding they are dropped, and every connection hangs in its handshake.`,
        remedy: ["sysctl -w net.ipv4.ip_forward=1"],
      });
    },
  },
  {
    id: "forwarding.ipv6",
    look(facts) {
      const name = "net.ipv6.conf.all.forwarding";
      const value = facts.sysctl(name);
      if (value === null || !isMasquerading(facts, 6)) return SILENT;
      if (value !== 0) return fine("IPv6 packets are forwarded", { [name]: value });
      return told("critical", {
        title: "forwarding of IPv6 is off",
        seen: { [name]: value },
        why: "Replies of real servers behind NAT pass through this host to clients: without forwarding they are dropped, and every connection hangs in its handshake.",
        // a router does not take a default route from announcements
        remedy: [`sysctl -w ${name}=1   # a host that takes its own route by RA: net.ipv6.conf.IF.accept_ra=2 first`],
      });
    },
  },
  {
    id: "forwarding.redirects",
    look(facts, roles) {
      const [only, second] = facts.wires.filter(
        ({ hasArp, addresses }) => hasArp && addresses.some(({ address }) => isIpv4(address)),
      );
      if (!isAny(roles, "lb") || translatedServers(facts) === null || only === undefined || second !== undefined)
        return SILENT;
      // where sources are translated as well, servers answer to this host whatever they are told
      if (!isMasquerading(facts) && (facts.rules?.sourceNats.length ?? 0) > 0) return SILENT;
      const own = interfaceSysctl(only.name, "send_redirects");
      const all = "net.ipv4.conf.all.send_redirects";
      const seen = { [all]: facts.sysctl(all), [own]: facts.sysctl(own) };
      // either is enough: IN_DEV_TX_REDIRECTS is an OR
      if (facts.sysctl(all) !== 1 && facts.sysctl(own) !== 1)
        return fine("no ICMP redirects from the one-armed balancer", seen);
      return told("warning", {
        title: `${only.name} sends ICMP redirects, and clients' and servers' packets both use it`,
        seen,
        why: "The host tells real servers of a shorter way to clients in the same network: replies then go past the translation, and the client resets what comes from an address it never called.",
        remedy: [`sysctl -w ${all}=0 ${own}=0`],
      });
    },
  },
  {
    id: "offload.lro",
    look(facts, roles) {
      if (!isAny(roles, "lb", "router") || !forwards(facts)) return SILENT;
      // devices made of software (veth, bridges, tunnels) have none
      const hardware = facts.wires.filter(({ hasArp, kind }) => hasArp && kind === null).slice(0, MOST_INTERFACES);
      if (hardware.length === 0) return SILENT;
      const looked = hardware.map(({ name }) => ({ name, features: readOffloads(facts.host, name) }));
      const known = looked.filter(({ features }) => features !== null);
      if (known.length === 0) {
        return told("unknown", {
          title: "receive offloads could not be looked at",
          seen: {},
          why: "Large receive offload (LRO) merges packets in a way that cannot be undone when they are forwarded.",
          remedy: ["apt-get install ethtool; ethtool -k INTERFACE | grep large-receive"],
        });
      }
      const merged = known.filter(({ features }) => features?.get("large-receive-offload") === true);
      const gro = known.filter(({ features }) => features?.get("generic-receive-offload") === true).length;
      const seen = { "interfaces looked at": known.length, "with LRO": merged.length, "with GRO": gro };
      if (merged.length === 0) return fine("LRO is off where packets are forwarded (GRO does no harm)", seen);
      return told("critical", {
        title: `LRO is on for ${merged.map(({ name }) => name).join(", ")}, and packets are forwarded`,
        seen,
        why: "LRO merges TCP segments and forgets where they began: what is forwarded is too long for the next wire and is dropped, or answered with ICMP. GRO merges, too, but undoes it.",
        remedy: merged.map(({ name }) => `ethtool -K ${name} lro off`),
      });
    },
  },
];

/** Whose packets need forwarding, in words; null where nobody's do. IPVS itself sends to servers without it. */
function translatedServers(facts: HostFacts): string | null {
  if (isMasquerading(facts)) return "Replies of real servers behind NAT";
  // of rules it is not known whether they translate to this host itself: forwarding that is on needs no more
  return (facts.rules?.destinationNats ?? 0) > 0 && facts.sysctl("net.ipv4.ip_forward") === 1
    ? "Translated packets"
    : null;
}

/** Whether IPVS has real servers behind NAT. */
function isMasquerading(facts: HostFacts, family: 4 | 6 = 4): boolean {
  return (facts.ipvs?.services ?? []).some(({ destinations }) =>
    destinations.some(({ forwarding, address }) => forwarding === "Masq" && isIpv4(address.address) === (family === 4)),
  );
}

/** Interfaces in whose networks NAT's real servers are, with forwarding off. */
function closedInterfaces(facts: HostFacts): string[] {
  const servers = (facts.ipvs?.services ?? []).flatMap(({ destinations }) =>
    destinations.flatMap(({ forwarding, address }) => (forwarding === "Masq" ? [address.address] : [])),
  );
  return facts.wires
    .filter(({ addresses }) =>
      addresses.some(
        ({ address, prefixLength }) =>
          isIpv4(address) && servers.some((server) => isIpv4(server) && isInNetwork(server, address, prefixLength)),
      ),
    )
    .filter(({ name }) => facts.sysctl(interfaceSysctl(name, "forwarding")) === 0)
    .map(({ name }) => name);
}

function forwards(facts: HostFacts): boolean {
  return facts.sysctl("net.ipv4.ip_forward") === 1 || (facts.ipvs?.services.length ?? 0) > 0;
}
