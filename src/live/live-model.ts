import type { ProbeCost } from "../capture/live-source.ts";
import type { ConnectionDocument, FindingDocument, Mode, Protocol, UpDown } from "../report/analysis-contract.ts";

/**
 * What faces (dashboard, metrics, store) read of a live session: plain data, replaced as a whole by a newer one with a
 * higher `sequence`; nothing in it changes. Times are seconds of the epoch (a double: good for display, to some 200 ns),
 * durations seconds, sizes bytes, rates per second. NaN stands for what there is nothing to say about.
 */
export interface LiveModel {
  /** Grows with each model of a session. */
  sequence: number;
  /** The session's clock: of the newest packet in a replay, else of the machine. NaN before the first packet. */
  now: number;
  health: LiveHealth;
  sources: readonly LiveSourceState[];
  /** Busiest first. */
  vips: readonly LiveVip[];
  /** Of all VIPs, in their order. */
  backends: readonly LiveBackend[];
  /** Resets of the last 15 minutes that did harm, most frequent first. */
  resets: readonly LiveResetCount[];
  /** Load balancers behind ECMP, next hops: what shares a VIP's connections before the backends do. */
  members: readonly LiveMember[];
  /** Ways that connections take, most travelled first. */
  paths: readonly LivePath[];
  /** Open ones first, then those that are over; each most pressing first. */
  findings: readonly LiveFinding[];
  /** Cost and losses of what runs in the kernel. */
  probes: readonly ProbeCost[];
  /** Packets that the kernel dropped; left out where nobody asked for them, and where no interface is watched. */
  drops?: LiveDrops;
  /** A value per second for the last 15 minutes, over all VIPs. */
  series: LiveSeries;
  /** For Prometheus: counters since the session began, and gauges. */
  metrics: LiveMetrics;
}

/** Lengths of the windows that figures are given for, seconds. */
export const WINDOW_SECONDS = { "10s": 10, "1m": 60, "15m": 900 } as const;
export type WindowName = keyof typeof WINDOW_SECONDS;
export type PerWindow<Figures> = Readonly<Record<WindowName, Figures>>;

/** How the session itself does. */
export interface LiveHealth {
  state: "starting" | "running" | "ended" | "failed";
  /** Why it failed, in a line; null else. */
  failure: string | null;
  /** Packets and bytes since the beginning, and lately (10 s). */
  packets: number;
  bytes: number;
  packetsPerSecond: number;
  bytesPerSecond: number;
  /** Connections of clients that began per second (10 s), and that are open. */
  connectionsPerSecond: number;
  activeConnections: number;
  /** Legs in memory and at most. */
  flows: number;
  maxFlows: number;
  /** One conversation in so many is followed; 1 is all. */
  sampling: number;
  /** Packets left out because of it. */
  sampledOut: number;
  /** Legs given up for memory before their end was seen. */
  evicted: number;
  /** Packets that sources say they lost. */
  lost: number;
  /** What users should know of how far all this can be trusted, a sentence each: sampling, losses, evictions. */
  warnings: readonly string[];
  /** Seconds that the last look over all connections took, and that lie between two. */
  judgeSeconds: number;
  judgeEverySeconds: number;
  /** Since when connections are remembered: less than 15 minutes where memory is short. */
  rememberedFrom: number;
  /** Resident memory of the process, bytes. */
  residentBytes: number;
}

export interface LiveSourceState {
  /** As the user named it: `eth0`, `-`, a file. */
  name: string;
  kind: "interface" | "stream" | "replay";
  state: "opening" | "running" | "ended" | "failed";
  failure: string | null;
  points: readonly string[];
  packets: number;
  packetsPerSecond: number;
  bytesPerSecond: number;
  /** Packets that the source says it lost. */
  lost: number;
  sampledOut: number;
  /** Seconds that its clock is ahead of the session's reference, and half the interval that bounds it; NaN unbounded. */
  clockOffset: number;
  clockUncertainty: number;
  /** Seconds from the newest packet's time to its arrival; NaN in a replay. */
  lag: number;
}

/** What the kernel of this host dropped since the session began, in the network namespace that it watches. */
export interface LiveDrops {
  /** Most first; null where they cannot be counted here. */
  counts: readonly DropCount[] | null;
  /** Why they are not counted, or what is not seen of them: a sentence each. */
  notes: readonly string[];
}

export interface DropCount {
  /** By the kernel's name (enum skb_drop_reason without its prefix): `NO_SOCKET`; `unknown` where it gives none. */
  reason: string;
  packets: number;
  /** Over the last seconds. */
  packetsPerSecond: number;
}

/** Who reset connections, as the contract counts it. */
export interface ResetsBy {
  client: number;
  backend: number;
  lb: number;
  middlebox: number;
  unknown: number;
}

/** What happened within a window. */
export interface LiveRates {
  /** Connections of clients that began, per second. */
  connectionsPerSecond: number;
  /** In bits per second: up (towards the backends) and down. */
  bitsPerSecond: UpDown;
  packetsPerSecond: UpDown;
  /** Harmful resets per second, and who sent them. */
  resetsPerSecond: number;
  resetsBy: ResetsBy;
  refused: number;
  timeouts: number;
  retransmitsPerSecond: number;
  /** Seconds from SYN to SYN-ACK, as near to the backend as it was seen. */
  connectP50: number;
  connectP99: number;
  /** Connections that these come from. */
  connectSamples: number;
  /** Connections that began, as a number. */
  connections: number;
}

export interface LiveBalance {
  /** Parallel to the backends' names in `LiveVip.backends`. */
  shares: readonly number[];
  expected: readonly number[];
  /** Largest share over the one expected of that backend, less 1: 0 is even. */
  skew: number;
  /** Chance of such shares when each connection is handed on by weight alone. */
  pValue: number;
  samples: number;
}

export interface LiveVip {
  vip: string;
  protocol: Protocol;
  mode: Mode | null;
  scheduler: string;
  active: number;
  backends: readonly string[];
  windows: PerWindow<LiveRates>;
  balance: PerWindow<LiveBalance>;
  /** Keys of the open findings about it, most pressing first. */
  findings: readonly string[];
}

export interface LiveBackend {
  vip: string;
  backend: string;
  active: number;
  windows: PerWindow<LiveRates>;
  /** Of the VIP's connections in each window, and what it should have. */
  share: PerWindow<number>;
  expectedShare: number;
  /** As the topology gives it, else null. */
  weight: number | null;
  /** Seconds from a request's first byte to its answer's, of the last minutes. */
  firstByteP50: number;
  /** Keys of the open findings about it. */
  findings: readonly string[];
}

export interface LiveResetCount {
  vip: string;
  /** `(unknown)` where nothing shows it. */
  backend: string;
  by: keyof ResetsBy;
  cause: string;
  counts: PerWindow<number>;
  /** A number per 10 s, the last 15 minutes, oldest first. */
  over: readonly number[];
  /** Epoch seconds of the last one. */
  last: number;
}

export interface LiveMember {
  vip: string;
  /** `lb` by the balancers' own captures, `node` by other nodes', else where it was seen: `mac at r:eth0`. */
  tier: string;
  member: string;
  connections: number;
  share: number;
  expectedShare: number;
  /** Flows that came to it in mid-stream, and that moved away from it. */
  arrived: number;
  left: number;
}

export interface LivePath {
  vip: string;
  /** Nodes in the order of travel. */
  up: readonly string[];
  down: readonly string[];
  connections: number;
  share: number;
  /** False where a finding says that this way is wrong. */
  expected: boolean;
  /** Ids of findings about connections that took it. */
  marks: readonly string[];
}

export interface LiveFinding {
  /** Names it within the session: id and place. */
  key: string;
  /** `open` while it holds, `over` afterwards, `withdrawn` where more packets showed it to be none. */
  state: "open" | "over" | "withdrawn";
  /** Epoch seconds: when the session first said so; when its last packet was; when it was closed (NaN while open). */
  opened: number;
  lastSeen: number;
  closed: number;
  /** Highest severity it had. */
  worst: FindingDocument["severity"];
  /** The windows that show it. */
  windows: readonly WindowName[];
  /** Names in `affected.examples` are those of `flows()` and of the settled connections. Evidence: source and frame. */
  finding: FindingDocument;
}

/** Columns of equal length, oldest first; the last one is the second that `now` lies in. NaN: nothing to say. */
export interface LiveSeries {
  /** Epoch second of the first value. */
  from: number;
  opened: readonly number[];
  resets: readonly number[];
  retransmits: readonly number[];
  connectP50: readonly number[];
  connectP99: readonly number[];
}

/** The newest connection that a counter or a histogram's cell counted: what an OpenMetrics exemplar shows. */
export interface Exemplar {
  /** By the session's name for it, `c17`. */
  connection: string;
  /** Of the leg that was counted: its addresses as a hash, by which Zeek, Suricata and Wireshark know it too. */
  communityId: string;
  /** What it added: 1, or in a histogram seconds. */
  value: number;
  /** Epoch seconds of what was counted. */
  time: number;
}

/**
 * A metric's value under its labels, in the order that METRIC_LABELS gives. A series has the same array of labels in
 * each model of a session.
 */
export interface MetricSample {
  labels: readonly string[];
  value: number;
  exemplar?: Exemplar;
}

export interface HistogramSample {
  labels: readonly string[];
  /** Observations up to each of CONNECT_SECONDS_EDGES (not cumulated), and above the last. */
  counts: readonly number[];
  sum: number;
  /** Parallel to the counts; null where nothing was counted yet. */
  exemplars?: readonly (Exemplar | null)[];
}

/** Upper edges of the connect histogram; 1 and 3 s are where lost SYNs are sent again. */
export const CONNECT_SECONDS_EDGES = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 7, 15,
] as const;

/**
 * Labels of each metric of the contract (without the prefix `l4scope_`) that the session keeps. Counters (`_total`)
 * never go back. Their number is bounded by `maxSeries`: VIPs, backends and members beyond it are `other`.
 */
export const METRIC_LABELS = {
  connections_total: ["vip", "backend", "outcome"],
  connections_active: ["vip", "backend"],
  /** Payload, what was sent again included, as `bytes` of a connection; direction: `up`, `down`. */
  bytes_total: ["vip", "backend", "direction"],
  packets_total: ["vip", "backend", "direction"],
  /** One for each connection that saw a reset, harmless ones (`late-data`) included. */
  resets_total: ["vip", "backend", "by", "cause"],
  retransmits_total: ["vip", "backend", "direction"],
  /** Leg: `client` (in front of the balancer), `backend`. */
  syn_retransmits_total: ["vip", "leg"],
  member_connections_total: ["vip", "tier", "member"],
  imbalance_ratio: ["vip", "tier", "dimension"],
  imbalance_ratio_pvalue: ["vip", "tier", "dimension"],
  imbalance_ratio_samples: ["vip", "tier", "dimension"],
  /** Kind: `member`, `backend`. */
  flow_moves_total: ["vip", "kind"],
  midstream_arrivals_total: ["vip", "member"],
  asymmetric_connections_total: ["vip"],
  health_checks_total: ["backend", "result"],
  vrrp_masters: ["vrid", "interface"],
  findings: ["id", "severity", "vip"],
  capture_lost_total: ["source"],
  series_dropped_total: [],
} as const satisfies Record<string, readonly string[]>;

export type MetricName = keyof typeof METRIC_LABELS;

export type LiveMetrics = Readonly<Record<MetricName, readonly MetricSample[]>> & {
  /** SYN to SYN-ACK. Labels: vip, leg (`client`: in front of the balancer; `backend`: behind it). */
  readonly connect_duration_seconds: readonly HistogramSample[];
};

/** A connection in a table: what a line of `flows` shows. */
export interface LiveFlow {
  /** Stable within the session: `c17`. */
  id: string;
  protocol: Protocol;
  client: string;
  vip: string;
  backend: string | null;
  mode: Mode | null;
  start: number;
  end: number;
  outcome: ConnectionDocument["outcome"];
  /** True while it may go on. */
  active: boolean;
  healthCheck: boolean;
  bytes: UpDown;
  packets: UpDown;
  retransmits: UpDown;
  handshake: number;
  connectToBackend: number;
  reset: ConnectionDocument["reset"];
  path: readonly string[];
  /** Keys of findings that name it. */
  findings: readonly string[];
}

export type FlowSort = "start" | "duration" | "bytes" | "packets" | "retransmits" | "handshake";

export interface FlowQuery {
  /** Words that must all be found in a flow's addresses, outcome, reset, mode or path: `10.1.0.21 reset lb`. */
  filter?: string;
  vip?: string;
  backend?: string;
  outcome?: ConnectionDocument["outcome"];
  /** Only those that a finding names, by its key. */
  finding?: string;
  activeOnly?: boolean;
  sort?: FlowSort;
  /** Largest, latest first where left out. */
  ascending?: boolean;
  limit: number;
}

export interface FlowAnswer {
  matched: number;
  flows: readonly LiveFlow[];
}

/** What shows a finding, to be kept or shown. */
export interface LiveEvidence {
  key: string;
  /** The finding in words, as `analyze` prints it. */
  text: string;
  /** Packets of (some of) its connections from the recent ones in memory. */
  pcapng: Uint8Array;
  packets: number;
  /** Connections named, and how many of them have packets in it. */
  connections: number;
  shown: number;
}

/** A connection that is over, for a store: told once. */
export interface SettledConnection {
  connection: ConnectionDocument;
  /** Seconds from a request's first byte to its answer's, as near to the backend as it was seen; null where not seen. */
  firstByte: number | null;
  /** Recent packets of a connection that was reset, refused or timed out, as pcapng; null without, or where gone. */
  pcapng: Uint8Array | null;
}

/** Connections that are not settled, for whoever wants them early: one told later under the same name takes its place. */
export interface UnsettledConnections {
  /** As they stand: closed, or open for a second at least. */
  connections: readonly SettledConnection[];
  /** Names told before that hold no longer: two turned out to be one. */
  withdrawn: readonly string[];
}
