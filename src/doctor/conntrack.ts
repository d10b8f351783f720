import { formatCount, formatSeconds, formatShare } from "../report/format-quantity.ts";
import { type Check, fine, SILENT, told } from "./check.ts";
import { countText, isMany } from "./count.ts";
import type { HostFacts } from "./host-facts.ts";
import { isAny } from "./roles.ts";

const COUNT = "net.netfilter.nf_conntrack_count";
const MAX = "net.netfilter.nf_conntrack_max";
const ESTABLISHED = "net.netfilter.nf_conntrack_tcp_timeout_established";
/** Pools of database and HTTP clients keep connections for ten minutes to half an hour without a word. */
const USUAL_IDLE_SECONDS = 1800;
/** Connections a bucket of the table holds when lookups begin to cost. */
const LONG_CHAINS = 4;

export const CONNTRACK: readonly Check[] = [
  {
    id: "conntrack.fill",
    look(facts) {
      const count = facts.sysctl(COUNT);
      const max = facts.sysctl(MAX);
      if (!isUsed(facts) || count === null || max === null || max === 0) return SILENT;
      const seen = { [COUNT]: count, [MAX]: max };
      const title = `connection tracking is ${formatShare(count, max)} full: ${formatCount(count)} of ${formatCount(max)}`;
      if (count < 0.8 * max) return fine(title, seen);
      return told(count >= 0.95 * max ? "critical" : "warning", {
        title,
        seen,
        why: "When the table is full, the first packet of every new connection is dropped; old connections go on, so health checks that keep theirs open see nothing.",
        remedy: [
          `sysctl -w ${MAX}=${2 * max}   # about 320 bytes of memory each`,
          "conntrack -L -o extended | awk '{print $3, $6}' | sort | uniq -c | sort -rn   # what fills it",
          "leave out what needs no tracking (IPVS with direct return): nft … notrack",
        ],
      });
    },
  },
  {
    id: "conntrack.drops",
    look(facts) {
      const drops = facts.count(({ conntrack }) =>
        conntrack === null ? undefined : (conntrack.get("drop") ?? 0) + (conntrack.get("early_drop") ?? 0),
      );
      if (!isUsed(facts) || drops === null) return SILENT;
      const received = facts.counter("Ip.InReceives");
      const seen = seenOf(facts, ["drop", "early_drop"]);
      if (!isMany(drops, received, { atLeast: 20, share: 1e-5 }))
        return fine("connection tracking dropped no packet for want of room", seen);
      return told("warning", {
        title: `connection tracking was full; dropped or pushed out: ${countText(drops, null, facts.since)}`,
        seen,
        why: "A drop is a new connection's first packet lost; an early drop is another connection forgotten to make room, whose next packet is then taken for a stray.",
        remedy: [
          `sysctl -w ${MAX}=${2 * (facts.sysctl(MAX) ?? 131_072)}`,
          "conntrack -S   # which processors, and is it growing",
        ],
      });
    },
  },
  {
    id: "conntrack.insert-failed",
    look(facts) {
      const failed = facts.count(({ conntrack }) => conntrack?.get("insert_failed"));
      if (!isUsed(facts) || failed === null) return SILENT;
      const received = facts.counter("Ip.InReceives");
      const seen = seenOf(facts, ["insert_failed", "clashres"]);
      if (!isMany(failed, received, { atLeast: 100, share: 1e-5 }))
        return fine("new connections find their place in connection tracking", seen);
      return told("warning", {
        title: `connections clashed in connection tracking: ${countText(failed, null, facts.since)}`,
        seen,
        why: "Two connections were given the same translated ports at once, or two packets of one connection raced: the packet is dropped and the client waits a second for its SYN to be sent again.",
        remedy: [
          "widen the range or the addresses that sources are translated to, and pick ports at random: nft … snat to ADDRESS fully-random",
          "conntrack -S   # insert_failed, by processor",
        ],
      });
    },
  },
  {
    id: "conntrack.timeout-established",
    look(facts, roles) {
      const seconds = facts.sysctl(ESTABLISHED);
      if (!isUsed(facts) || seconds === null || !isAny(roles, "lb", "router")) return SILENT;
      const seen = { [ESTABLISHED]: seconds };
      const title = `connection tracking forgets idle connections after ${formatSeconds(seconds)}`;
      if (seconds >= USUAL_IDLE_SECONDS) return fine(title, seen);
      return told("warning", {
        title,
        seen,
        why: "Pools keep idle connections for ten minutes and more, and TCP keepalive asks after two hours (RFC 5382 wants 2 h 4 min): what is forgotten before is reset or swallowed when it speaks again.",
        remedy: [`sysctl -w ${ESTABLISHED}=7440`, "or have both ends send keepalives sooner than that"],
      });
    },
  },
  {
    id: "conntrack.buckets",
    look(facts) {
      const buckets = facts.sysctl("net.netfilter.nf_conntrack_buckets");
      const count = facts.sysctl(COUNT);
      if (!isUsed(facts) || buckets === null || count === null || buckets === 0) return SILENT;
      const seen = { "net.netfilter.nf_conntrack_buckets": buckets, [COUNT]: count };
      // each connection is in the table twice, once for either direction
      const chain = (2 * count) / buckets;
      if (chain < LONG_CHAINS) return fine("connection tracking's hash table is large enough", seen);
      return told("warning", {
        title: `connection tracking's chains are ${chain.toFixed(1)} entries long`,
        seen,
        why: "Every packet walks such a chain: the processor is busy with searching while packets queue.",
        remedy: [`echo ${2 ** Math.ceil(Math.log2(2 * count))} > /sys/module/nf_conntrack/parameters/hashsize`],
      });
    },
  },
];

/** The module may be there without a rule that asks it to track: then it counts nothing. */
function isUsed(facts: HostFacts): boolean {
  if ((facts.rules?.destinationNats ?? 0) > 0 || (facts.rules?.sourceNats.length ?? 0) > 0) return true;
  return (facts.sysctl(COUNT) ?? 0) > 0 || (facts.now.conntrack?.get("found") ?? 0) > 0;
}

function seenOf(facts: HostFacts, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, facts.now.conntrack?.get(name) ?? 0]));
}
