import type { ResetAuthor, ResetCause } from "./reset-verdict.ts";

export type Severity = "critical" | "warning" | "info";

/** A frame that shows something: a leg names its capture. */
export interface Evidence {
  /** Index of the capture in the run. */
  capture: number;
  frame: number;
  note: string;
}

/** What a finding is about: texts as the contract prints them. */
export interface Where {
  vip?: string;
  backend?: string;
  node?: string;
  member?: string;
}

/**
 * One diagnosed cause, with what shows it. Ids and JSON: the contract. Times are ns since the run's base on the
 * reference clock.
 */
export interface Finding {
  id: string;
  severity: Severity;
  /** 0 to 1; see `confidence.ts`. */
  confidence: number;
  /** What is wrong, as a colleague would say it, with the number that matters. */
  title: string;
  /** Why we think so, with the numbers. */
  explanation: string;
  where: Where;
  window: { from: number; to: number };
  /** Numbers by name, units in the names. */
  measured: Record<string, number | string | boolean>;
  /** Connections (ids) that suffer from it; all of them, for the judge. */
  connections: number[];
  evidence: Evidence[];
  displayFilter: string;
  remedy: string[];
  /** Resets explained by it get this cause and, where given, author. */
  explains?: { cause: ResetCause; by?: ResetAuthor };
  /** Other findings that this one explains, as the judge found. */
  symptoms?: string[];
  /** The finding that explains this one, where it was asked for by itself: the id and title. */
  explainedBy?: string;
}
