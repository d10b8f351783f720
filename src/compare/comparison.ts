import type { CountTest } from "../balance/two-samples.ts";
import type { SideFinding } from "./side.ts";

/** What is compared. */
export type Measure =
  /** Connections that failed in any way, or in this one. */
  | "failed"
  | "refused"
  | "reset"
  | "timeout"
  /** Resets and refusals by one author for one cause. */
  | "reset-cause"
  /** Connections that went on at another member or backend. */
  | "moved"
  /** Packets sent again. */
  | "retransmits"
  /** Durations. */
  | "handshake"
  | "connect"
  | "first-byte"
  /** How new connections are shared, and whether one has any at all. */
  | "backend-shares"
  | "member-shares"
  | "backend-presence"
  | "member-presence"
  | "vip-presence";

/** What a number is about: a VIP, or one backend or load balancer of it. */
export interface Subject {
  vip: string;
  protocol: "tcp" | "udp";
  backend?: string;
  tier?: string;
  member?: string;
}

/**
 * - `changed`: chance does not explain it, and it is large enough to matter;
 * - `slight`: chance does not explain it, but nobody would mind it;
 * - `same`: chance explains it;
 * - `explained`: chance does not explain it, but `explanation` does: a side that was watched for longer meets more of
 *   what takes its time, and one with more load is slower.
 */
export type Status = "changed" | "slight" | "same" | "explained";

/** One side's connections were watched for longer; one side had more connections per second. */
export type Explanation = "watched-longer" | "load";

interface Tested {
  measure: Measure;
  subject: Subject;
  status: Status;
  /** What else than a change may be behind it, whatever chance says; null where nothing is known. */
  explanation: Explanation | null;
  /** Of this test alone, and as one of all that were made (Holm). */
  pValue: number;
  adjustedPValue: number;
}

export interface CountOf {
  events: number;
  trials: number;
}

/** So many of so many. */
export interface CountDifference extends Tested {
  kind: "count";
  /** For `reset-cause`: `lb no-state`. */
  detail: string | null;
  test: CountTest;
  before: CountOf;
  after: CountOf;
  /** Share after less share before. */
  difference: number;
  /** How many times as much it varies as if each connection were drawn alone. */
  designEffect: number;
  /** Where nearly all of what changed is; null where it is spread, or nothing changed. */
  source: Source | null;
}

/** Where events come from. */
export interface Source {
  /** `author`: who sent resets, and why, wherever: `lb no-state`. */
  kind: "member" | "backend" | "node" | "client" | "author";
  name: string;
  events: number;
  of: number;
}

/** Shares of new connections among backends or members. */
export interface ShareDifference extends Tested {
  kind: "shares";
  test: "chi-square";
  /** By name. */
  rows: readonly ShareRow[];
  /** Of all connections, the part that went elsewhere than it would have before: total variation distance. */
  difference: number;
  designEffect: number;
}

export interface ShareRow {
  name: string;
  before: number;
  after: number;
  shareBefore: number;
  shareAfter: number;
}

/** Durations, seconds. */
export interface TimingDifference extends Tested {
  kind: "timing";
  test: "brunner-munzel";
  before: TimingOf;
  after: TimingOf;
  /** The quantile that changed more: the median, or the third quarter where only some take longer. */
  quantile: "p50" | "p75";
  /** Of that quantile, after less before, seconds. */
  difference: number;
  /** Chance that one after takes longer than one before; 0.5 is no difference. */
  superiority: number;
}

export interface TimingOf {
  count: number;
  p50: number;
  p75: number;
  p95: number;
  p99: number;
}

export type Difference = CountDifference | ShareDifference | TimingDifference;

/** Something that cannot be compared, and why, as the end of a sentence. */
export interface Incomparable {
  measure: Measure | "all";
  subject: Subject | null;
  why: string;
}

/** A finding that only one side has. */
export interface FindingChange {
  finding: SideFinding;
  /** False where the other side has too few connections to have shown it, or watched otherwise. */
  isSure: boolean;
}

/** A VIP on both sides. */
export interface VipComparison {
  vip: string;
  protocol: "tcp" | "udp";
  mode: { before: string | null; after: string | null };
  /** Connections opened, and all that were watched. */
  opened: { before: number; after: number };
  watched: { before: number; after: number };
  /** Connections by backend, and by member of each tier; by name. */
  backends: readonly MemberRow[];
  tiers: readonly { tier: string; members: readonly MemberRow[] }[];
  /** All that was tested. */
  differences: readonly Difference[];
}

/** A backend or load balancer in numbers. */
export interface MemberRow {
  name: string;
  before: MemberOf;
  after: MemberOf;
}

export interface MemberOf {
  opened: number;
  watched: number;
  failed: number;
}

export interface Comparison {
  /** Most connections first. */
  vips: readonly VipComparison[];
  /** What changed, the most pressing first. */
  changes: readonly Difference[];
  findings: { appeared: readonly FindingChange[]; gone: readonly FindingChange[]; both: readonly SideFinding[] };
  incomparable: readonly Incomparable[];
  /** What makes either side's numbers less sure. */
  caveats: readonly string[];
  method: Method;
}

export interface Method {
  /** Chance, over all tests together, of calling a change where there is none. */
  alpha: number;
  correction: "holm";
  /** Tests made, and how many of them could tell anything at all. */
  tests: number;
  /**
   * The smallest part of connections whose failing after would have been called a change, for the busiest VIP; null
   * where no number would.
   */
  leastFailures: number | null;
}
