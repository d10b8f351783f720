import type { Explanation } from "./explanation.ts";

export const ECMP: Readonly<Record<string, Explanation>> = {
  "ecmp.rehash": {
    summary: "open flows moved to another load balancer",
    means:
      "The set of equal next hops changed and the router gave established flows to other load balancers. These never saw the flows: they reset them, hand them to wrong backends, or drop them.",
    found:
      "Flows seen on one member go on at another from one moment. The share that moved is compared with 1/n, which a consistent hash would move.",
    alternatives: [
      "lb.lost-state: the flows broke where they were",
      "lb.failover: one VIP with one owner moved as a whole",
      "path.spray: flows go back and forth",
    ],
    confirm: [
      "what changed in the routes at that moment: `ip monitor route`, the BGP daemon's log",
      "`l4scope hash` shows what share such a change moves",
    ],
    remedy: [
      "resilient next-hop groups: `ip nexthop … type resilient buckets 512 idle_timer 60`, or the switch's resilient hashing",
      "share connection state among the load balancers, or let them choose backends by the same consistent hash",
      "drain a member before it leaves",
    ],
  },
  "ecmp.skew": {
    summary: "members of one tier get uneven shares",
    means: "The router spreads new flows unevenly over the load balancers although it has enough flows to do better.",
    found: "New flows per member against their weights by chi-square, with the effect size; never by packets.",
    alternatives: [
      "balance.source-skew: the hash sees only addresses, and few clients carry the flows",
      "ecmp.polarization: the tier before chose by the same hash",
    ],
    confirm: [
      "`ip route show VIP` / `ip nexthop show`: members and weights",
      "the hash policy and its fields on the router",
    ],
    remedy: [
      "hash ports too: `sysctl net.ipv4.fib_multipath_hash_policy=1`",
      "set equal weights; a number of members that divides the buckets",
    ],
  },
  "ecmp.polarization": {
    summary: "two tiers choose by the same hash",
    means:
      "Flows that the first tier sent one way all hash alike in the second tier: each of its routers gives everything to a part of the members. In a full mesh the members may be even all the same, until a router fails.",
    found:
      "In a full mesh: routers against members by chi-square, corrected for the number of routers and for clients that always meet one member, with the share of flows that a router's idle members should have got. Where each router has members of its own: several that get everything, each beside a captured one that gets nothing.",
    alternatives: [
      "ecmp.skew: one tier alone is uneven",
      "next hops that differ from router to router on purpose: each prefers the load balancers of its own rack",
    ],
    confirm: [
      "hash algorithm and seed on both tiers: are they equal?",
      "`ip route show VIP` on each router: are the same load balancers among the next hops?",
    ],
    remedy: [
      "another seed or other fields on one tier: `sysctl net.ipv4.fib_multipath_hash_seed`, `hash-seed` on switches",
    ],
  },
};
