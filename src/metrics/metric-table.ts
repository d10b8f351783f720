import { METRIC_LABELS, type MetricName } from "../live/live-model.ts";

export type MetricType = "counter" | "gauge" | "histogram";

/** What a metric is, as its `# HELP` and `# TYPE` lines and the page of metrics say it. */
export interface MetricDefinition {
  /** With the prefix. */
  name: string;
  type: MetricType;
  help: string;
  labels: readonly string[];
}

export const PREFIX = "l4scope_";

/** Metrics of what is watched: one entry for each that a live session keeps, in the order in which they are shown. */
const WATCHED: Readonly<Record<MetricName, Pick<MetricDefinition, "type" | "help">>> = {
  connections_total: {
    type: "counter",
    help: "Connections of clients that are over, by outcome; open are those given up, or left when the session ended.",
  },
  connections_active: { type: "gauge", help: "Connections of clients that are open and were not silent for an hour." },
  bytes_total: {
    type: "counter",
    help: "Payload bytes of clients' connections, what was sent again included; up is to the backend.",
  },
  packets_total: {
    type: "counter",
    help: "Packets of clients' connections, each once wherever it was seen; up is to the backend.",
  },
  resets_total: {
    type: "counter",
    help: "Connections that saw a reset, by who sent it and why; harmless ones (cause late-data) included.",
  },
  retransmits_total: {
    type: "counter",
    help: "Segments of clients' connections that were sent again; up is to the backend.",
  },
  syn_retransmits_total: {
    type: "counter",
    help: "SYNs of clients' connections that were sent again, in front of the balancer (client) or behind it (backend).",
  },
  member_connections_total: {
    type: "counter",
    help: "Connections by the member of a tier (balancers behind ECMP, next hops) that they went through first.",
  },
  imbalance_ratio: {
    type: "gauge",
    help: "Largest share of a backend or member over the one expected of it; 1 is even. Backends: of 15 minutes.",
  },
  imbalance_ratio_pvalue: {
    type: "gauge",
    help: "Chance of such shares when each connection is given by weight alone.",
  },
  imbalance_ratio_samples: { type: "gauge", help: "Connections that the imbalance is measured on." },
  flow_moves_total: { type: "counter", help: "Times that a flow went on at another member of a tier." },
  midstream_arrivals_total: { type: "counter", help: "Flows that came to a member from another one, in mid-stream." },
  asymmetric_connections_total: {
    type: "counter",
    help: "Connections whose answers took another way than they should, as path.asymmetric finds them.",
  },
  health_checks_total: { type: "counter", help: "Health checks that are over: ok or failed." },
  vrrp_masters: {
    type: "gauge",
    help: "Routers that advertise to be master of a virtual router, as one point hears it; 2 are a split brain.",
  },
  findings: { type: "gauge", help: "1 while a finding holds; gone when it is over." },
  capture_lost_total: { type: "counter", help: "Packets that a source says it lost." },
  series_dropped_total: {
    type: "counter",
    help: "Series that are counted as `other`, for want of room; 20000 are told apart.",
  },
};

export const WATCHED_METRICS: readonly (MetricDefinition & { key: MetricName })[] = (
  Object.keys(WATCHED) as MetricName[]
).map((key) => ({ key, name: PREFIX + key, ...WATCHED[key], labels: METRIC_LABELS[key] }));

export const CONNECT_DURATION: MetricDefinition = {
  name: `${PREFIX}connect_duration_seconds`,
  type: "histogram",
  help: "From SYN to SYN-ACK in front of the balancer (client; to the ACK where answers pass it by) and behind it (backend).",
  labels: ["vip", "leg"],
};

/** Metrics of the session itself: how far the others can be trusted. */
export const SESSION_METRICS = {
  buildInfo: {
    name: `${PREFIX}build_info`,
    type: "gauge",
    help: "1; what is running.",
    labels: ["version", "runtime"],
  },
  up: { name: `${PREFIX}session_running`, type: "gauge", help: "1 while sources are read.", labels: [] },
  flows: { name: `${PREFIX}flows`, type: "gauge", help: "Legs in memory.", labels: [] },
  maxFlows: { name: `${PREFIX}flows_limit`, type: "gauge", help: "Legs in memory at most.", labels: [] },
  evicted: {
    name: `${PREFIX}flows_evicted_total`,
    type: "counter",
    help: "Legs given up for memory before their end was seen.",
    labels: [],
  },
  sampling: {
    name: `${PREFIX}sampling_ratio`,
    type: "gauge",
    help: "One conversation in so many is followed, and all else is of those; 1 is all.",
    labels: [],
  },
  sampledOut: {
    name: `${PREFIX}sampled_out_packets_total`,
    type: "counter",
    help: "Packets left out because not all conversations are followed.",
    labels: [],
  },
  judge: {
    name: `${PREFIX}judge_duration_seconds`,
    type: "gauge",
    help: "Seconds that the last look over all connections in memory took.",
    labels: [],
  },
  sourceLag: {
    name: `${PREFIX}source_lag_seconds`,
    type: "gauge",
    help: "How much later than at best a stream's packets are read; grows where the session cannot keep up.",
    labels: ["source"],
  },
  drops: {
    name: `${PREFIX}drops_total`,
    type: "counter",
    help: "Packets that the kernel dropped in the network namespace that is watched, by its reason; not all are faults.",
    labels: ["reason"],
  },
  probeEvents: {
    name: `${PREFIX}probe_events_total`,
    type: "counter",
    help: "Events of a kernel probe.",
    labels: ["probe"],
  },
  probeLost: {
    name: `${PREFIX}probe_lost_total`,
    type: "counter",
    help: "Events of a kernel probe that found no room.",
    labels: ["probe"],
  },
  probeShare: {
    name: `${PREFIX}probe_core_ratio`,
    type: "gauge",
    help: "Share of one core that a kernel probe takes.",
    labels: ["probe"],
  },
} as const satisfies Record<string, MetricDefinition>;

/** Every metric there is, as the page of metrics lists them. */
export function allMetrics(): readonly MetricDefinition[] {
  return [...WATCHED_METRICS, CONNECT_DURATION, ...Object.values(SESSION_METRICS)];
}
