import type { Finding } from "./finding.ts";
import { findingName, isExplainedBy, type Judgement, ranked } from "./judge.ts";

/** Which findings somebody wants to hear of. */
export interface FindingWish {
  /** A cause that is known: neither it nor what it explains is to be told. */
  isIgnored(id: string): boolean;
  /** Asked for by its id, whether it is a cause or one of the clothes of another; null where all causes are wanted. */
  isWanted: ((id: string) => boolean) | null;
}

export interface ChosenFindings {
  /** To be told, most pressing first. */
  findings: Finding[];
  /** Known causes that were found. */
  ignored: Finding[];
  /** What nothing but known causes explain. */
  explainedAway: Finding[];
  /** Causes that are there and were not asked for. */
  notAsked: Finding[];
}

/**
 * A known cause hides another finding only where so much of it is the cause's doing. To be told under a cause, half is
 * enough (see the judge): there it is still seen.
 */
const HIDDEN_SHARE = 0.8;

/**
 * Picks the findings that are wanted.
 *
 * What an ignored cause explains stays explained, and is no new accusation; what it explains in part only has another
 * cause as well, and is told. Nothing else changes: all that is told without a wish is told with it unless it is itself
 * ignored. What is wanted by its id is told even where another finding explains it, and says which.
 */
export function chooseFindings(judgement: Judgement, { isIgnored, isWanted }: FindingWish): ChosenFindings {
  const { explainedBy } = judgement;
  const ignored = [...judgement.findings, ...explainedBy.keys()].filter(({ id }) => isIgnored(id));
  const standing = judgement.findings.filter(({ id }) => !isIgnored(id));
  const explainedAway: Finding[] = [];
  const folded = new Map<Finding, Finding>();
  for (const [finding, cause] of explainedBy) {
    if (isIgnored(finding.id)) continue;
    const causes = causesOf(judgement, finding);
    const known = causes.findIndex(({ id }) => isIgnored(id));
    if (known < 0) folded.set(finding, cause);
    else if (isDueTo(judgement, finding, causes.slice(0, known + 1))) explainedAway.push(finding);
    else {
      const other = judgement.findings.find((one) => !isIgnored(one.id) && isExplainedBy(finding, one));
      if (other) folded.set(finding, other);
      else standing.push({ ...finding, explanation: withRemark(judgement, finding, causes[known]!) });
    }
  }
  if (isWanted === null) return { findings: ranked(standing), ignored, explainedAway, notAsked: [] };
  const asked = standing.filter(({ id }) => isWanted(id));
  for (const [finding, cause] of folded) {
    if (isWanted(finding.id)) asked.push({ ...finding, explainedBy: findingName(cause) });
  }
  const notAsked = standing.filter(({ id }) => !isWanted(id));
  return { findings: ranked(asked), ignored, explainedAway, notAsked };
}

/** What explains a finding, what explains that, and so on. */
function causesOf({ explainedBy }: Judgement, finding: Finding): Finding[] {
  const causes: Finding[] = [];
  for (let cause = explainedBy.get(finding); cause; cause = explainedBy.get(cause)) causes.push(cause);
  return causes;
}

/** A statistic over a place names connections that its cause does not have: those that are left. */
function isDueTo(judgement: Judgement, finding: Finding, causes: readonly Finding[]): boolean {
  const connections = judgement.own.get(finding) ?? [];
  if (connections.length === 0 || finding.id.startsWith("balance.")) return true;
  return sharedWith(judgement, finding, causes) >= connections.length * HIDDEN_SHARE;
}

function sharedWith({ own }: Judgement, finding: Finding, causes: readonly Finding[]): number {
  const theirs = new Set(causes.flatMap((cause) => own.get(cause) ?? []));
  return (own.get(finding) ?? []).filter((id) => theirs.has(id)).length;
}

function withRemark(judgement: Judgement, finding: Finding, cause: Finding): string {
  const shared = sharedWith(judgement, finding, [cause]);
  const all = judgement.own.get(finding)?.length ?? 0;
  return `${finding.explanation} ${shared} of its ${all} connections suffer from ${cause.id} too, which is ignored; the others do not.`;
}
