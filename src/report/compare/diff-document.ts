import type { Comparison, Difference, FindingChange, VipComparison } from "../../compare/comparison.ts";
import type { Side } from "../../compare/side.ts";
import { changeSentence } from "./change-sentence.ts";
import type { Diff } from "./diff.ts";
import type {
  DiffDocument,
  FindingChangeDocument,
  SideDocument,
  TestDocument,
  VipDiffDocument,
} from "./diff-contract.ts";
import { verdictOf } from "./verdict.ts";

/** The contract's document of a comparison. */
export function diffDocument(diff: Diff): DiffDocument {
  const { before, after, comparison } = diff;
  return {
    schema: "l4scope.diff/1",
    verdict: verdictOf(diff),
    before: sideDocument(before),
    after: sideDocument(after),
    changes: comparison.changes.map(testDocument),
    findings: findingsDocument(comparison.findings),
    vips: comparison.vips.map(vipDocument),
    incomparable: comparison.incomparable.map(({ measure, subject, why }) => ({
      measure,
      vip: subject?.vip ?? null,
      backend: subject?.backend ?? null,
      tier: subject?.tier ?? null,
      member: subject?.member ?? null,
      why,
    })),
    caveats: comparison.caveats,
    method: comparison.method,
  };
}

function sideDocument({ name, start, end, durationSeconds, points, connections }: Side): SideDocument {
  return { name, start, end, durationSeconds, observationPoints: points, connections: connections.length };
}

function findingsDocument({ appeared, gone, both }: Comparison["findings"]): DiffDocument["findings"] {
  const change = ({ finding, isSure }: FindingChange): FindingChangeDocument => ({ ...finding, sure: isSure });
  return {
    appeared: appeared.map(change),
    gone: gone.map(change),
    both: both.map((finding) => ({ ...finding, sure: null })),
  };
}

function vipDocument({ differences, ...vip }: VipComparison): VipDiffDocument {
  return { ...vip, tests: differences.map(testDocument) };
}

function testDocument(one: Difference): TestDocument {
  const { vip, protocol, backend = null, tier = null, member = null } = one.subject;
  const { measure, status, explanation, pValue, adjustedPValue, difference } = one;
  const base = {
    measure,
    vip,
    protocol,
    backend,
    tier,
    member,
    status,
    explanation,
    pValue,
    adjustedPValue,
    difference,
    sentence: changeSentence(one),
  };
  if (one.kind === "timing") {
    const { kind, test, before, after, quantile, superiority } = one;
    return { ...base, kind, test, before, after, quantile, superiority };
  }
  if (one.kind === "shares") {
    const { kind, test, rows, designEffect } = one;
    return { ...base, kind, test, rows, designEffect };
  }
  const { kind, test, detail, before, after, designEffect, source } = one;
  return { ...base, kind, test, detail, before, after, designEffect, source };
}
