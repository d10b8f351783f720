import type { Case } from "../../diagnose/case.ts";
import { harmfulReset } from "./time-series.ts";

/** Connections of clients that did not end well, by how. */
export interface FailureCounts {
  refused: number;
  reset: number;
  timeout: number;
  all: number;
}

/**
 * A reset that took nothing from anybody is no failure.
 *
 * @param known connections whose failure is accounted for
 */
export function failureCounts(subject: Case, known: ReadonlySet<number> = new Set()): FailureCounts {
  const counts: FailureCounts = { refused: 0, reset: 0, timeout: 0, all: 0 };
  for (const connection of subject.users) {
    const outcome = subject.outcome(connection);
    if (outcome === "ok" || outcome === "open" || known.has(connection.id)) continue;
    if (outcome !== "timeout" && harmfulReset(subject, connection) === null) continue;
    counts[outcome]++;
    counts.all++;
  }
  return counts;
}
