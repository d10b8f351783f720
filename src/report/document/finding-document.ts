import type { Finding } from "../../diagnose/finding.ts";
import { fileOfFrame } from "../../flow/tracked-capture.ts";
import type { Analysis } from "../analysis.ts";
import type { FindingDocument } from "../analysis-contract.ts";
import { epochOf } from "../epoch.ts";
import { connectionName } from "./joined-connection.ts";

/** Connections named as examples of what a finding did. */
const EXAMPLES = 10;

export function findingDocument({ captures, timeBase }: Analysis, finding: Finding): FindingDocument {
  const { id, severity, confidence, title, explanation, where, window, measured } = finding;
  return {
    id,
    severity,
    confidence,
    title,
    explanation,
    where,
    window: { from: epochOf(window.from, timeBase), to: epochOf(window.to, timeBase) },
    measured,
    affected: {
      connections: finding.connections.length,
      examples: finding.connections.slice(0, EXAMPLES).map(connectionName),
    },
    evidence: finding.evidence.map(({ capture, frame, note }) => {
      const place = fileOfFrame(captures[capture]!, frame);
      return { file: place.path, frame: place.frame, note };
    }),
    displayFilter: finding.displayFilter,
    remedy: finding.remedy,
    symptoms: finding.symptoms ?? [],
    ...(finding.explainedBy === undefined ? {} : { explainedBy: finding.explainedBy }),
  };
}
