import type { Comparison, Difference } from "../../compare/comparison.ts";
import { formatCount, formatShare } from "../format-quantity.ts";
import { changeSentence } from "./change-sentence.ts";
import type { Diff } from "./diff.ts";
import type { DiffDocument } from "./diff-contract.ts";

/** Changes named in the sentence; the rest is counted. */
const NAMED = 3;

/** What there is to say first: what changed, that nothing did, or that nobody can tell. */
export function verdictOf({ comparison, before, after }: Diff): DiffDocument["verdict"] {
  const { vips, findings, incomparable } = comparison;
  const isUnknown = vips.every(({ vip }) => isLost(comparison, vip));
  const appeared = findings.appeared.filter(({ isSure }) => isSure);
  const gone = findings.gone.filter(({ isSure }) => isSure);
  const changes = headlines(comparison.changes);
  const parts = [
    ...changes.slice(0, NAMED).map(changeSentence),
    ...(changes.length > NAMED ? [`${formatCount(changes.length - NAMED)} more below`] : []),
    ...(appeared.length > 0 ? [`new: ${appeared.map(({ finding }) => finding.id).join(", ")}`] : []),
    ...(gone.length > 0 ? [`gone: ${gone.map(({ finding }) => finding.id).join(", ")}`] : []),
  ];
  if (parts.length > 0) return { result: "changed", sentence: `after: ${parts.join("; ")}` };
  if (isUnknown) {
    const why = incomparable.find(({ measure }) => measure === "all")?.why ?? "no VIP was called on both sides";
    return { result: "unknown", sentence: `nothing can be compared: ${why}` };
  }
  const [first, second] = [before, after].map(({ connections }) => formatCount(connections.length));
  return {
    result: "unchanged",
    sentence: `nothing changed that chance does not explain: ${first} connections before, ${second} after${finenessOf(comparison)}`,
  };
}

/** Nothing of a VIP can be compared. */
function isLost({ incomparable }: Comparison, vip: string): boolean {
  return incomparable.some(({ measure, subject }) => measure === "all" && subject?.vip === vip);
}

/** How small a change silence speaks of. */
function finenessOf({ method: { leastFailures } }: Comparison): string {
  if (leastFailures === null) return "; too few for any change to show";
  return `; failures of ${formatShare(Math.round(leastFailures * 10_000), 10_000)} and more would have shown`;
}

/** One of each kind: failures of a VIP are not told again for its backends, nor by who sent them. */
function headlines(changes: readonly Difference[]): Difference[] {
  const isFailure = ({ measure }: Difference) => ["reset", "refused", "timeout"].includes(measure);
  const told = new Set(changes.filter(isFailure).map(({ subject }) => subject.vip));
  const timed = new Set<string>();
  return changes.filter((one) => {
    const { measure, subject } = one;
    if (measure === "failed" || measure === "reset-cause") return !told.has(subject.vip);
    if (one.kind !== "timing") return true;
    const key = `${subject.vip} ${measure}`;
    if (timed.has(key)) return false;
    timed.add(key);
    return true;
  });
}
