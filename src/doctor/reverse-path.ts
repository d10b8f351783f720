import { interfaceSysctl } from "../host/sysctl.ts";
import { isIpv4 } from "../topology/address.ts";
import { type Check, fine, SILENT, told, type Verdict } from "./check.ts";
import { countText, isMany } from "./count.ts";
import type { HostFacts } from "./host-facts.ts";
import { isAny } from "./roles.ts";
import { decapsulators, virtualAddresses } from "./virtual-addresses.ts";

const STRICT = 1;

/** rp_filter (RFC 3704): a packet is dropped where the way back to its source does not leave by where it came in. */
export const REVERSE_PATH: readonly Check[] = [
  {
    id: "rp-filter.tunnel",
    look(facts, roles) {
      if (!isAny(roles, "real-server") || !virtualAddresses(facts).some(({ address }) => isIpv4(address)))
        return SILENT;
      return decapsulators(facts)
        .filter(({ kind }) => kind !== "ip6tnl" && kind !== "ip6gre")
        .flatMap(({ name }) => {
          const value = facts.effective(name, "rp_filter");
          if (value === null) return SILENT;
          const seen = seenOf(facts, name);
          if (value !== STRICT) return fine(`rp_filter lets tunnelled packets in by ${name}`, seen);
          return told("critical", {
            title: `rp_filter is strict on ${name}: packets out of the tunnel are dropped`,
            seen,
            why: "What comes out of the tunnel has a client's address as source, and the way to clients leads elsewhere: strict filtering drops every packet, without a word. The larger of all and the interface counts.",
            remedy: [
              `sysctl -w net.ipv4.conf.all.rp_filter=0 ${interfaceSysctl(name, "rp_filter")}=2`,
              ...(facts.sysctl(interfaceSysctl(name, "rp_filter")) === STRICT ? [] : keepStrict(facts, name)),
            ],
          });
        });
    },
  },
  {
    id: "rp-filter.drops",
    look(facts, roles) {
      if (roles.because.size === 0) return SILENT;
      const drops = facts.counter("TcpExt.IPReversePathFilter");
      const received = facts.counter("Ip.InReceives");
      const seen = { IPReversePathFilter: drops.total, ...strictOnes(facts) };
      if (!isMany(drops, received, { atLeast: 50, share: 1e-4 })) {
        return fine(
          drops.total === 0
            ? "rp_filter dropped nothing"
            : `rp_filter dropped ${countText(drops, received, facts.since)}`,
          seen,
        );
      }
      return told("warning", {
        title: `rp_filter dropped packets: ${countText(drops, received, facts.since)}`,
        seen,
        why: "Replies or requests come in by another interface than the way back to their source uses. Behind several routers, with direct return or with tunnels that is how it should be, and these connections then fail.",
        remedy: [
          "nstat -az TcpExtIPReversePathFilter; sysctl -w net.ipv4.conf.all.log_martians=1 and see the kernel's log for which",
          "loose filtering still drops what has no way back at all: sysctl -w net.ipv4.conf.INTERFACE.rp_filter=2",
        ],
      });
    },
  },
  {
    id: "rp-filter.martians",
    look(facts, roles) {
      // the counters are the whole host's, its containers' as well: they tell nothing of one namespace among several
      const { isHostNetwork, hasOthers } = facts.namespaces;
      if (isHostNetwork !== true || hasOthers !== false || roles.because.size === 0) return SILENT;
      const counted = facts.count(({ routing }) =>
        routing === null ? undefined : (routing.get("in_martian_src") ?? 0) + (routing.get("in_martian_dst") ?? 0),
      );
      if (counted === null) return SILENT;
      const filtered = facts.counter("TcpExt.IPReversePathFilter");
      const rest = {
        total: Math.max(0, counted.total - filtered.total),
        grown: counted.grown === null ? null : Math.max(0, counted.grown - (filtered.grown ?? 0)),
      };
      const received = facts.counter("Ip.InReceives");
      const seen = { martians: counted.total };
      if (!isMany(rest, received, { atLeast: 100, share: 1e-4 })) return fine("few or no martian packets", seen);
      return told("warning", {
        title: `packets with impossible addresses: ${countText(rest, received, facts.since)}`,
        seen,
        why: "The kernel drops packets whose source is an address of this host. On a host with a VIP they are replies of a real server that come back through the balancer, or a second holder of the VIP.",
        remedy: ["sysctl -w net.ipv4.conf.all.log_martians=1 && dmesg --follow | grep martian"],
      });
    },
  },
];

function seenOf(facts: HostFacts, name: string): Verdict["seen"] {
  return {
    "net.ipv4.conf.all.rp_filter": facts.sysctl("net.ipv4.conf.all.rp_filter"),
    [interfaceSysctl(name, "rp_filter")]: facts.sysctl(interfaceSysctl(name, "rp_filter")),
  };
}

/** With all at 0, interfaces that lived by it are open: set those that should stay strict themselves. */
function keepStrict(facts: HostFacts, except: string): string[] {
  const others = facts.wires.filter(
    ({ name }) => name !== except && facts.sysctl(interfaceSysctl(name, "rp_filter")) === 0,
  );
  if (others.length === 0) return [];
  return [
    `sysctl -w ${others.map(({ name }) => `${interfaceSysctl(name, "rp_filter")}=1`).join(" ")}   # as it was there`,
  ];
}

function strictOnes(facts: HostFacts): Record<string, number> {
  const strict = facts.wires.filter(({ name }) => facts.effective(name, "rp_filter") === STRICT);
  return Object.fromEntries(strict.map(({ name }) => [`${interfaceSysctl(name, "rp_filter")} (effective)`, STRICT]));
}
