import type { Difference, MemberRow, Source, TimingOf } from "../../compare/comparison.ts";

/**
 * The document of `diff --json`, schema l4scope.diff/1. Shares are parts of one, durations seconds, times epoch seconds
 * as decimal strings. A difference is what is after less what was before.
 */
export interface DiffDocument {
  schema: "l4scope.diff/1";
  verdict: {
    /** `changed`, `unchanged`, or `unknown` where nothing can be compared. */
    result: "changed" | "unchanged" | "unknown";
    sentence: string;
  };
  before: SideDocument;
  after: SideDocument;
  /** Most pressing first; each is among its VIP's tests, too. */
  changes: readonly TestDocument[];
  findings: {
    appeared: readonly FindingChangeDocument[];
    gone: readonly FindingChangeDocument[];
    /** Ids of those that both sides have. */
    both: readonly FindingChangeDocument[];
  };
  vips: readonly VipDiffDocument[];
  /** What cannot be compared, and why. */
  incomparable: readonly {
    measure: string;
    vip: string | null;
    backend: string | null;
    tier: string | null;
    member: string | null;
    why: string;
  }[];
  caveats: readonly string[];
  method: { alpha: number; correction: "holm"; tests: number; leastFailures: number | null };
}

export interface SideDocument {
  name: string;
  start: string | null;
  end: string | null;
  durationSeconds: number;
  observationPoints: readonly string[];
  connections: number;
}

export interface FindingChangeDocument {
  id: string;
  severity: string;
  title: string;
  where: { vip?: string; backend?: string; node?: string; member?: string };
  connections: number;
  /** False where the other side might have it too, and not show it; null for what both have. */
  sure: boolean | null;
}

export interface VipDiffDocument {
  vip: string;
  protocol: "tcp" | "udp";
  mode: { before: string | null; after: string | null };
  opened: { before: number; after: number };
  watched: { before: number; after: number };
  backends: readonly MemberRow[];
  tiers: readonly { tier: string; members: readonly MemberRow[] }[];
  tests: readonly TestDocument[];
}

interface TestBase {
  measure: Difference["measure"];
  vip: string;
  protocol: "tcp" | "udp";
  backend: string | null;
  tier: string | null;
  member: string | null;
  status: Difference["status"];
  explanation: Difference["explanation"];
  test: Difference["test"];
  pValue: number;
  adjustedPValue: number;
  difference: number;
  sentence: string;
}

export type TestDocument = TestBase &
  (
    | {
        kind: "count";
        /** For `reset-cause`: author and cause. */
        detail: string | null;
        before: { events: number; trials: number };
        after: { events: number; trials: number };
        designEffect: number;
        source: Source | null;
      }
    | {
        kind: "shares";
        rows: readonly { name: string; before: number; after: number; shareBefore: number; shareAfter: number }[];
        designEffect: number;
      }
    | {
        kind: "timing";
        before: TimingOf;
        after: TimingOf;
        /** That `difference` is of. */
        quantile: "p50" | "p75";
        /** Chance that one after takes longer than one before. */
        superiority: number;
      }
  );
