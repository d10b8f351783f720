import { IPVS_METRICS } from "./ipvs-metric-table.ts";
import { allMetrics, type MetricDefinition } from "./metric-table.ts";

/** The page docs/metrics.md, from the tables of metrics. */
export function metricsPage(): string {
  return `# Metrics

What \`l4scope serve\` and \`l4scope top --listen\` give to Prometheus, besides \`process_*\` and \`nodejs_*\` of the process
itself. Made from the tables in \`src/metrics/\` by \`npm run docs\`.

No client's address or port is ever a label. The number of series is bounded by \`--max-series\`: VIPs, backends and members
beyond it are counted as \`other\`, and \`l4scope_series_dropped_total\` says how many that were. Counters are those of this
run: they begin at 0 when it starts.

${tableOf(allMetrics())}

## Drops, and which are faults

\`l4scope_drops_total\` is there where interfaces are watched and the probe \`skbdrop\` can be loaded; else the session says
why in a line when it starts. It counts in the kernel, in the network namespace that l4scope runs in: packets of other
namespaces, and those that have neither device nor socket any more, are not in it. A reason is the running kernel's name
for it (\`enum skb_drop_reason\`, without the prefix), so there are no more of them than the kernel has, some 130; those of
Open vSwitch and mac80211 count as \`SUBSYS_OPENVSWITCH\` and \`SUBSYS_MAC80211_UNUSABLE\`, what has no name as \`unknown\`. Before
Linux 5.17 the kernel gives none: all is \`unknown\`.

A drop is a packet whose way ended, not always a fault. What a program took (\`SKB_CONSUMED\`) is not counted; of the rest:

| reason | is |
| --- | --- |
| \`NOT_SPECIFIED\` | a place in the kernel that gives no reason yet: multicast that nobody joined, for one; \`l4scope probe skbdrop\` names the place |
| \`NO_SOCKET\` \`TCP_CLOSE\` \`SOCKET_CLOSE\` \`QUEUE_PURGE\` \`UNHANDLED_PROTO\` | nobody listens, any more or at all: scans, stray packets, programs that ended |
| \`TCP_OLD_DATA\` \`TCP_OLD_SEQUENCE\` \`TCP_OLD_ACK\` \`TCP_OFOMERGE\` \`TCP_OFO_DROP\` | TCP at work: what came twice; many are a symptom of loss elsewhere |
| \`OTHERHOST\` \`SOCKET_FILTER\` \`TAP_FILTER\` \`IPV6_NDISC_NS_OTHERHOST\` | meant for others, or not asked for by who captures |
| \`UNIX_DISCONNECT\` \`UNIX_SKIP_OOB\` | messages of local sockets, not of the network |
| \`NETFILTER_DROP\` \`XDP\` \`TC_INGRESS\` \`TC_EGRESS\` \`BPF_CGROUP_EGRESS\` \`XFRM_POLICY\` \`SECURITY_HOOK\` | a rule says so: a fault where the rule is one |
| \`QDISC_DROP\` \`QDISC_OVERLIMIT\` \`QDISC_CONGESTED\` and \`FQ_\`… | a queue that paces senders; a fault where nobody set one |
| \`SOCKET_RCVBUFF\` \`SOCKET_BACKLOG\` \`TCP_LISTEN_OVERFLOW\` \`CPU_BACKLOG\` \`FULL_RING\` \`PROTO_MEM\` \`NOMEM\` | too little room: a fault |
| \`IP_RPFILTER\` \`IP_OUTNOROUTES\` \`IP_INNOROUTES\` \`NEIGH_FAILED\` \`NEIGH_QUEUEFULL\` \`PKT_TOO_BIG\` | no way on, or it does not fit: a fault of routes, neighbours or MTUs |
| \`TCP_CSUM\` \`IP_CSUM\` \`UDP_CSUM\` \`IP_INHDR\` \`TCP_FLAGS\` \`TCP_RESET\` \`TCP_INVALID_\`… | broken, forged, or out of sequence |

## IPVS, with \`--ipvs\`

What the kernel's IPVS keeps in the network namespace that l4scope runs in, read at each scrape, under the names and labels
of node_exporter's collector \`ipvs\`: dashboards and alerts made for that work with these. Where node_exporter is scraped
on the same host, leave the flag out, or sums count every connection twice. Counters are IPVS's own: they begin when it
was loaded, or zeroed (\`ipvsadm -Z\`). Services of a firewall mark have the mark in \`local_mark\`, as
\`/proc/net/ip_vs\` prints it, and no address; of others that label is empty. \`--max-series\` does not bound them: there
are three for each real server of each service.

${tableOf(IPVS_METRICS)}
`;
}

function tableOf(metrics: readonly MetricDefinition[]): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(" ")} | ${help} |`,
  );
  return ["| metric | type | labels | what it is |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
