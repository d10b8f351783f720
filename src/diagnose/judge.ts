import type { Finding, Severity } from "./finding.ts";

const SEVERITY_RANK: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 };

/**
 * Which causes explain which others, when they share most of their connections: the cause first, then what is only one
 * of its clothes. A dead member explains the timeouts, the loss and the skew seen with it.
 */
const EXPLAINS: readonly (readonly [cause: string, symptoms: readonly string[]])[] = [
  [
    "lb.split-brain",
    ["lb.failover", "path.arp-conflict", "lb.lost-state", "path.spray", "ecmp.rehash", "backend.*", "path.*"],
  ],
  [
    "lb.failover",
    [
      "path.direct-reply",
      "lb.lost-state",
      "lb.idle-timeout",
      "lb.rehash",
      "ecmp.rehash",
      "path.arp-conflict",
      "backend.*",
      "path.loss",
      "path.asymmetric",
    ],
  ],
  [
    "path.arp-conflict",
    ["lb.lost-state", "lb.idle-timeout", "lb.rehash", "ecmp.*", "path.spray", "path.asymmetric", "balance.*"],
  ],
  ["path.spray", ["ecmp.*", "lb.rehash", "lb.lost-state", "path.loss", "path.asymmetric"]],
  [
    "ecmp.rehash",
    [
      "lb.lost-state",
      "lb.rehash",
      "lb.idle-timeout",
      "path.loss",
      "path.asymmetric",
      "backend.*",
      "ecmp.skew",
      "balance.*",
    ],
  ],
  ["lb.rehash", ["lb.lost-state", "backend.aborting", "path.loss", "balance.*"]],
  [
    "lb.idle-timeout",
    [
      "path.direct-reply",
      "lb.lost-state",
      "lb.aborting",
      "backend.aborting",
      "client.aborting",
      "path.loss",
      "lb.queueing",
    ],
  ],
  ["lb.lost-state", ["path.direct-reply", "backend.aborting", "path.loss", "balance.*", "backend.unreachable"]],
  ["path.direct-reply", ["backend.unreachable", "client.aborting", "path.asymmetric", "balance.*", "backend.overflow"]],
  ["path.asymmetric", ["backend.unreachable", "backend.overflow", "balance.*", "path.loss"]],
  ["path.icmp-unreachable", ["backend.unreachable", "path.loss"]],
  ["path.icmp-missteered", ["path.mtu-blackhole", "path.loss"]],
  ["path.mtu-blackhole", ["path.loss", "backend.slow", "backend.unreachable"]],
  ["path.injected-reset", ["client.aborting", "backend.aborting", "lb.aborting", "path.loss"]],
  [
    "attack.syn-flood",
    ["backend.overflow", "backend.unreachable", "balance.*", "path.loss", "path.asymmetric", "client.aborting"],
  ],
  ["lb.snat-exhaustion", ["lb.port-reuse", "backend.unreachable", "balance.*"]],
  ["proxy.header-mismatch", ["backend.aborting", "lb.aborting", "backend.refusing", "balance.*"]],
  [
    "backend.refusing",
    ["backend.aborting", "lb.aborting", "balance.*", "path.icmp-unreachable", "backend.unreachable"],
  ],
  ["backend.unreachable", ["path.loss", "balance.*", "path.icmp-unreachable", "lb.queueing"]],
  ["backend.overflow", ["backend.slow", "path.loss", "balance.*", "backend.aborting", "backend.unreachable"]],
  ["lb.aborting", ["backend.slow"]],
  ["lb.queueing", ["backend.slow"]],
  ["path.loss", ["backend.slow"]],
  ["ecmp.polarization", ["ecmp.skew"]],
  ["balance.scheduler-mismatch", ["balance.source-skew", "balance.backend-skew", "balance.load-skew"]],
  ["balance.source-skew", ["balance.backend-skew", "ecmp.skew", "balance.load-skew"]],
  ["balance.backend-skew", ["balance.load-skew"]],
  ["backend.aborting", ["lb.aborting"]],
];

/** A symptom shares at least this much of its connections with its cause. */
const SHARED = 0.5;

/** What all that was found comes to. */
export interface Judgement {
  /** A finding for each cause, most pressing first. */
  findings: Finding[];
  /** What is only one of the clothes of another finding, and of which. */
  explainedBy: ReadonlyMap<Finding, Finding>;
  /** The connections in which each finding itself was seen, without those of what it explains. */
  own: ReadonlyMap<Finding, readonly number[]>;
}

/**
 * One cause, one finding: folds findings that another one explains into it, and ranks the rest by severity, then by
 * confidence times the connections that suffer. Findings about the capture itself never come first.
 */
export function judge(found: readonly Finding[]): Judgement {
  const remaining = new Set(found);
  const explainedBy = new Map<Finding, Finding>();
  const own = new Map(found.map((finding) => [finding, finding.connections]));
  for (const [cause, symptoms] of EXPLAINS) {
    for (const finding of found) {
      if (finding.id !== cause || !remaining.has(finding)) continue;
      for (const other of found) {
        if (!remaining.has(other) || !isSymptom(other, finding, symptoms)) continue;
        remaining.delete(other);
        explainedBy.set(other, finding);
        finding.symptoms ??= [];
        finding.symptoms.push(findingName(other));
        finding.connections = [...new Set([...finding.connections, ...other.connections])];
      }
    }
  }
  return { findings: ranked(remaining), explainedBy, own };
}

/** Whether a finding is only one of the clothes of another. */
export function isExplainedBy(finding: Finding, cause: Finding): boolean {
  return EXPLAINS.some(([id, symptoms]) => id === cause.id && isSymptom(finding, cause, symptoms));
}

function isSymptom(finding: Finding, cause: Finding, symptoms: readonly string[]): boolean {
  if (finding === cause || finding.severity === "info") return false;
  return symptoms.some((pattern) => matches(pattern, finding.id)) && isExplained(finding, cause);
}

/** Findings, the most pressing first. */
export function ranked(findings: Iterable<Finding>): Finding[] {
  return [...findings].sort(compare);
}

/** How one finding speaks of another: `path.loss: 2.1% of what rs3 sends is lost`. */
export function findingName({ id, title }: Finding): string {
  return `${id}: ${title}`;
}

function compare(a: Finding, b: Finding): number {
  const aboutCapture = (finding: Finding) => (finding.id.startsWith("capture.") ? 1 : 0);
  return (
    aboutCapture(a) - aboutCapture(b) || SEVERITY_RANK[b.severity] - SEVERITY_RANK[a.severity] || weight(b) - weight(a)
  );
}

function weight(finding: Finding): number {
  return finding.confidence * Math.max(1, finding.connections.length);
}

/** Most of a symptom's connections are the cause's, or it names no connections and falls into its time and place. */
function isExplained(symptom: Finding, cause: Finding): boolean {
  if (symptom.connections.length === 0) {
    return symptom.window.from >= cause.window.from - 2e9 && samePlace(symptom, cause);
  }
  const connections = new Set(cause.connections);
  const shared = symptom.connections.filter((id) => connections.has(id)).length;
  if (shared >= symptom.connections.length * SHARED) return true;
  // A statistic over all connections of a VIP, in which the broken ones are missing.
  return symptom.id.startsWith("balance.") && samePlace(symptom, cause);
}

function samePlace(a: Finding, b: Finding): boolean {
  if (a.where.vip !== undefined && b.where.vip !== undefined) return a.where.vip === b.where.vip;
  return true;
}

function matches(pattern: string, id: string): boolean {
  return pattern.endsWith("*") ? id.startsWith(pattern.slice(0, -1)) : pattern === id;
}
