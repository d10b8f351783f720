import { compareProportions } from "../balance/two-samples.ts";
import type { Comparison, FindingChange, Measure, VipComparison } from "./comparison.ts";
import { ALPHA } from "./limits.ts";
import type { Side, SideFinding } from "./side.ts";

/** Findings that are statistics themselves: they came or went where what they measure changed. */
const MEASURED_BY: readonly [string, readonly Measure[]][] = [
  ["balance.", ["backend-shares", "backend-presence"]],
  ["ecmp.skew", ["member-shares", "member-presence"]],
  ["ecmp.polarization", ["member-shares", "member-presence"]],
  ["backend.slow", ["connect", "first-byte", "handshake"]],
  ["lb.queueing", ["connect", "first-byte", "handshake"]],
  ["path.loss", ["retransmits"]],
];

/** With fewer connections than this part of the other side's, a finding may be there and not show. */
const MIN_PART = 0.5;

/**
 * Findings that only one side has. What is about the capture itself, and what is only good to know, is left out. A
 * change is sure where the other side, with as many connections, would have shown it.
 */
export function compareFindings(
  before: Side,
  after: Side,
  vips: readonly VipComparison[],
  isSameView: boolean,
): Comparison["findings"] {
  const ofBefore = loud(before.findings);
  const ofAfter = loud(after.findings);
  const only = (own: Map<string, SideFinding>, other: ReadonlyMap<string, SideFinding>, which: "before" | "after") =>
    [...own].flatMap(([key, finding]): FindingChange[] =>
      other.has(key) ? [] : [{ finding, isSure: isSameView && isShown(finding, vips, { before, after }, which) }],
    );
  return {
    appeared: only(ofAfter, ofBefore, "after"),
    gone: only(ofBefore, ofAfter, "before"),
    both: [...ofAfter].flatMap(([key, finding]) => (ofBefore.has(key) ? [finding] : [])),
  };
}

/** By what tells them apart: the same cause at the same place. */
function loud(findings: readonly SideFinding[]): Map<string, SideFinding> {
  return new Map(
    findings
      .filter(({ id, severity }) => severity !== "info" && !id.startsWith("capture."))
      .map((finding) => {
        const { vip = "", backend = "", node = "", member = "" } = finding.where;
        return [[finding.id, vip, backend, node, member].join(" "), finding];
      }),
  );
}

function isShown(
  finding: SideFinding,
  vips: readonly VipComparison[],
  sides: { before: Side; after: Side },
  which: "before" | "after",
): boolean {
  const other = which === "before" ? "after" : "before";
  const ofVip = finding.where.vip === undefined ? [] : vips.filter(({ vip }) => vip === finding.where.vip);
  const watched = (side: "before" | "after") =>
    ofVip.length > 0 ? ofVip.reduce((sum, vip) => sum + vip.watched[side], 0) : sides[side].connections.length;
  const measures = MEASURED_BY.find(([prefix]) => finding.id.startsWith(prefix))?.[1];
  if (measures !== undefined) {
    const { backend } = finding.where;
    return vips
      .filter(({ vip }) => finding.where.vip === undefined || vip === finding.where.vip)
      .flatMap(({ differences }) => differences)
      .some(
        ({ measure, status, subject }) =>
          status === "changed" &&
          measures.includes(measure) &&
          (backend === undefined || subject.backend === undefined || subject.backend === backend),
      );
  }
  if (finding.connections === 0) return watched(other) >= watched(which) * MIN_PART;
  const { pValue } = compareProportions(
    { events: Math.min(finding.connections, watched(which)), trials: watched(which) },
    { events: 0, trials: watched(other) },
  );
  return pValue < ALPHA;
}
