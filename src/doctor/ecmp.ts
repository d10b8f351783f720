import type { Route } from "../host/routes.ts";
import { formatNumberOf } from "../report/format-quantity.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import type { HostFacts } from "./host-facts.ts";

const POLICY = { 4: "net.ipv4.fib_multipath_hash_policy", 6: "net.ipv6.fib_multipath_hash_policy" } as const;
const FIELDS = { 4: "net.ipv4.fib_multipath_hash_fields", 6: "net.ipv6.fib_multipath_hash_fields" } as const;
const POLICY_NAMES: Readonly<Record<number, string>> = {
  1: "addresses and ports",
  2: "inner addresses where there are any",
  3: "chosen fields",
};
/** FIB_MULTIPATH_HASH_FIELD_{SRC,DST,INNER_SRC,INNER_DST}_PORT of include/net/ip_fib.h. */
const PORT_FIELDS = 0x0010 | 0x0020 | 0x0400 | 0x0800;
const CUSTOM_FIELDS = 3;

/** Routes with several equal next hops: what chooses a balancer for a flow on a Linux router. */
export const ECMP: readonly Check[] = [
  {
    id: "ecmp.hash-policy",
    look(facts) {
      return ([4, 6] as const).flatMap((family) => {
        const routes = multipath(facts, family).sort((a, b) => b.prefixLength - a.prefixLength);
        const policy = facts.sysctl(POLICY[family]);
        const [route] = routes;
        if (route === undefined || policy === null) return SILENT;
        const fields = facts.sysctl(FIELDS[family]);
        const seen = {
          [POLICY[family]]: policy,
          ...(policy === CUSTOM_FIELDS && fields !== null ? { [FIELDS[family]]: fields } : {}),
          route: route.destination,
        };
        const isBlind = policy === 0 || (policy === CUSTOM_FIELDS && fields !== null && (fields & PORT_FIELDS) === 0);
        if (!isBlind)
          return fine(`IPv${family} multipath routes hash ${POLICY_NAMES[policy] ?? `by policy ${policy}`}`, seen);
        // a default route leads out to routers: there it is a matter of shares, not of balancers
        return told(route.prefixLength === 0 ? "info" : "warning", {
          title: `the multipath route to ${route.destination} hashes addresses without ports`,
          seen,
          why: "All connections of one address go to the same next hop: those from behind a proxy or a carrier's NAT load one balancer while the others idle.",
          remedy: [`sysctl -w ${POLICY[family]}=1`],
        });
      });
    },
  },
  {
    id: "ecmp.resilience",
    look(facts) {
      const routes = [...multipath(facts, 4), ...multipath(facts, 6)];
      const [route] = routes;
      if (route === undefined) return SILENT;
      const resilient = new Set(facts.nextHopGroups.filter(({ type }) => type === "resilient").map(({ id }) => id));
      const open = routes.filter(({ nextHopId }) => nextHopId === null || !resilient.has(nextHopId));
      const seen = { "multipath routes": routes.length, "by resilient groups": routes.length - open.length };
      const [first] = open;
      if (first === undefined) return fine("multipath routes use resilient next-hop groups", seen);
      return told("info", {
        title: `when a next hop of ${first.destination} comes or goes, flows move to others`,
        seen,
        why: "Balancers that do not share their connections answer flows they have not seen begin with a reset. A resilient group moves only those of the hop that is gone.",
        remedy: [
          "ip nexthop replace id 10 group 1/2 type resilient buckets 128 idle_timer 120; ip route replace VIP nhid 10",
        ],
      });
    },
  },
  {
    id: "ecmp.seed",
    look(facts) {
      const [route] = multipath(facts, 4);
      const text = facts.sysctlText("net.ipv4.fib_multipath_hash_seed");
      if (route === undefined || text === null) return SILENT;
      const seed = Number(text.split(/\s+/)[0]);
      return fine(
        seed === 0
          ? `the multipath hash has a seed of its own: another router sends the same flow elsewhere`
          : "the multipath hash has the seed that was set",
        { "net.ipv4.fib_multipath_hash_seed": text, routes: formatNumberOf(multipath(facts, 4).length, "route") },
      );
    },
  },
];

function multipath(facts: HostFacts, family: 4 | 6): Route[] {
  const members = new Map(facts.nextHopGroups.map(({ id, members }) => [id, members]));
  return (facts.routes ?? []).filter(
    (route) =>
      route.family === family &&
      route.type === "unicast" &&
      (route.nextHops > 1 || (route.nextHopId !== null && (members.get(route.nextHopId) ?? 1) > 1)),
  );
}
