import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis, LeftOut } from "../analysis.ts";
import { detectorIds } from "../finding-choice.ts";

/** Ids named before the rest is counted. */
const NAMED = 4;

/** What was found and is not told, a fact for each reason. */
export function leftOutFacts({ ignored, explainedAway, notAsked }: LeftOut): string[] {
  const explained = explainedAway.length === 0 ? "" : `, and what it explains: ${idsOf(explainedAway)}`;
  return [
    ...(ignored.length === 0 ? [] : [`ignored as asked: ${idsOf(ignored)}${explained}`]),
    ...(notAsked.length === 0 ? [] : [`not asked for: ${idsOf(notAsked)}`]),
  ];
}

/** How many kinds of findings were looked for in vain: what was found and is not told is none of them. */
export function silentDetectors({ findings, leftOut }: Analysis): number {
  const { ignored, explainedAway, notAsked } = leftOut;
  const found = new Set([...findings, ...ignored, ...explainedAway, ...notAsked].map(({ id }) => id));
  return detectorIds().filter((id) => !found.has(id)).length;
}

/** Whether anything of it hurts somebody. */
export function isLoud(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity !== "info");
}

/** Connections that suffer from what is not told. */
export function leftOutConnections({ ignored, explainedAway, notAsked }: LeftOut): Set<number> {
  const loud = [...ignored, ...explainedAway, ...notAsked].filter(({ severity }) => severity !== "info");
  return new Set(loud.flatMap(({ connections }) => connections));
}

function idsOf(findings: readonly Finding[]): string {
  const ids = [...new Set(findings.map(({ id }) => id))];
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : "";
  return `${ids.slice(0, NAMED).join(", ")}${more}`;
}
