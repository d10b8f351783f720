import type { Scheduler } from "../balance/scheduler.ts";
import type { Connected } from "../path/connect.ts";
import type { Topology } from "../topology/topology.ts";
import { weakenByCaptureLoss } from "./capture-loss.ts";
import { Case } from "./case.ts";
import { schedulersOf } from "./choices.ts";
import type { Finding } from "./finding.ts";
import { type Judgement, judge } from "./judge.ts";
import { DETECTORS } from "./registry.ts";

/** What a run's connections tell: findings, most pressing first, and the case they were read from. */
export interface Diagnosis {
  subject: Case;
  findings: Finding[];
  /** These, what they explain, and why it is they. */
  judgement: Judgement;
  /** How each VIP's backends were chosen, by the VIP's endpoint. */
  schedulers: ReadonlyMap<number, Scheduler>;
}

/**
 * Examines joined connections. Pure: the same connections give the same findings, offline and live.
 * @param topology what is known of the set-up: weights, schedulers, thresholds
 */
export function diagnose(connected: Connected, topology: Topology | null = null): Diagnosis {
  const subject = new Case(connected, topology);
  const found = DETECTORS.flatMap((detector) => detector.find(subject));
  weakenByCaptureLoss(subject, found);
  const judgement = judge(found);
  const { findings } = judgement;
  for (const { explains, connections } of findings) if (explains) explain(subject, connections, explains);
  return { subject, findings, judgement, schedulers: schedulersOf(subject) };
}

/** A found cause says why the resets of its connections were sent. */
function explain(subject: Case, connections: readonly number[], { cause, by }: NonNullable<Finding["explains"]>): void {
  for (const id of connections) {
    const connection = subject.connections[id];
    const verdict = connection ? subject.mainReset(connection) : null;
    if (!verdict || (by !== undefined && verdict.by !== by)) continue;
    if (verdict.cause === "no-state" || verdict.cause === "unknown" || verdict.cause === "lb-abort") {
      verdict.cause = cause;
      verdict.clues.push("as the finding for these connections shows");
    }
  }
}
