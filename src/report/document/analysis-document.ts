import type { Finding } from "../../diagnose/finding.ts";
import { findingName } from "../../diagnose/judge.ts";
import type { Analysis, LeftOut } from "../analysis.ts";
import type { AnalysisDocument, SummaryDocument } from "../analysis-contract.ts";
import { outcomeCounts } from "../figures/vip-figures.ts";
import { captureDocument } from "./capture-document.ts";
import { findingDocument } from "./finding-document.ts";
import { LazyJoinedConnection } from "./joined-connection.ts";
import { topologyDocument } from "./topology-document.ts";

export interface DocumentOptions {
  /** With a list of all connections. */
  connections: boolean;
}

/** The contract's document of an analysis. */
export function analysisDocument(analysis: Analysis, options: DocumentOptions): AnalysisDocument {
  const { subject, findings, leftOut, isChoice } = analysis;
  return {
    schema: "l4scope.analysis/1",
    capture: captureDocument(analysis),
    topology: topologyDocument(analysis),
    summary: summaryDocument(analysis),
    findings: findings.map((finding) => findingDocument(analysis, finding)),
    ...(isChoice ? { leftOut: leftOutDocument(leftOut) } : {}),
    ...(options.connections
      ? { connections: subject.connections.map((connection) => new LazyJoinedConnection(analysis, connection)) }
      : {}),
  };
}

function leftOutDocument({ ignored, explainedAway, notAsked }: LeftOut): NonNullable<AnalysisDocument["leftOut"]> {
  const names = (list: readonly Finding[]) => list.map(findingName);
  return { ignored: names(ignored), explainedByIgnored: names(explainedAway), notAsked: names(notAsked) };
}

/** Connections of clients; health checks and what balancers opened for themselves are none. */
function summaryDocument({ subject }: Analysis): SummaryDocument {
  const { users, connections } = subject;
  const joined = users.reduce((count, { legs }) => count + (legs.length > 1 ? 1 : 0), 0);
  return {
    connections: users.length,
    byOutcome: outcomeCounts(subject, users),
    healthChecks: connections.reduce((count, { healthCheck }) => count + (healthCheck ? 1 : 0), 0),
    joined,
    unjoined: users.length - joined,
  };
}
