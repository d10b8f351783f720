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
  connections_total: { type: "counter", help: "Connections of clients that began and are told apart by their end." },
  connections_active: { type: "gauge", help: "Connections of clients that are open." },
  bytes_total: { type: "counter", help: "Bytes on the wire, up (to the backend) and down." },
  packets_total: { type: "counter", help: "Packets, up (to the backend) and down." },
  resets_total: { type: "counter", help: "Resets that did harm, by who sent them and why." },
  retransmits_total: { type: "counter", help: "Segments sent again, by the direction they went in." },
  syn_retransmits_total: { type: "counter", help: "SYNs sent again, in front of the balancer or behind it." },
  member_connections_total: { type: "counter", help: "Connections by the member of a tier that they went through." },
  imbalance_ratio: { type: "gauge", help: "Largest share of a member over the one expected of it; 1 is even." },
  imbalance_ratio_pvalue: {
    type: "gauge",
    help: "Chance of such shares when each connection is given by weight alone.",
  },
  imbalance_ratio_samples: { type: "gauge", help: "Connections that the imbalance is measured on." },
  flow_moves_total: { type: "counter", help: "Flows that went on at another member or backend." },
  midstream_arrivals_total: { type: "counter", help: "Flows whose first packet at a member was not a SYN." },
  asymmetric_connections_total: {
    type: "counter",
    help: "Connections whose answers took another way than they should.",
  },
  health_checks_total: { type: "counter", help: "Health checks, by what came of them." },
  vrrp_masters: {
    type: "gauge",
    help: "Routers that say to be master of a virtual router; more than 1 is a split brain.",
  },
  findings: { type: "gauge", help: "1 while a finding holds." },
  capture_lost_total: { type: "counter", help: "Packets that a source says it lost." },
  series_dropped_total: { type: "counter", help: "Series that were counted as `other`, for want of room." },
};

export const WATCHED_METRICS: readonly (MetricDefinition & { key: MetricName })[] = (
  Object.keys(WATCHED) as MetricName[]
).map((key) => ({ key, name: PREFIX + key, ...WATCHED[key], labels: METRIC_LABELS[key] }));

export const CONNECT_DURATION: MetricDefinition = {
  name: `${PREFIX}connect_duration_seconds`,
  type: "histogram",
  help: "From SYN to SYN-ACK, as the client sees it and as the backend takes.",
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
    help: "One conversation in so many is followed; 1 is all.",
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
    help: "What the last look over all connections took.",
    labels: [],
  },
  sourceLag: {
    name: `${PREFIX}source_lag_seconds`,
    type: "gauge",
    help: "From a packet's time to its arrival here.",
    labels: ["source"],
  },
  drops: {
    name: `${PREFIX}drops_total`,
    type: "counter",
    help: "Packets that the kernel dropped, by its reason.",
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
