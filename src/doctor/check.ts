import type { HostFacts } from "./host-facts.ts";
import type { Roles } from "./roles.ts";

/**
 * `critical` breaks connections, `warning` is a risk, `info` is good to know, `unknown` could not be told here; `ok` is
 * as it should be.
 */
export const RESULTS = ["critical", "warning", "unknown", "info", "ok"] as const;
export type Result = (typeof RESULTS)[number];

/** What one check says of one thing. */
export interface Verdict {
  result: Result;
  /** What is so, with the value seen: a sentence without a full stop. */
  title: string;
  /** The values it rests on, by the names the kernel gives them. */
  seen: Readonly<Record<string, string | number | boolean | null>>;
  /** What it means for a layer 4 load balancer. Empty only where the result is ok. */
  why: string;
  /** Commands, as they can be typed, or a sentence where no command would be right for everyone. */
  remedy: readonly string[];
}

/** One thing to look at. */
export interface Check {
  /** `FAMILY.NAME`. */
  id: string;
  /** What it says of this host; nothing where it does not apply to it. */
  look(facts: HostFacts, roles: Roles): readonly Verdict[];
}

/** As it should be. */
export function fine(title: string, seen: Verdict["seen"] = {}): Verdict[] {
  return [{ result: "ok", title, seen, why: "", remedy: [] }];
}

/** Not as it should be, or not to be told. */
export function told(result: Exclude<Result, "ok">, verdict: Omit<Verdict, "result">): Verdict[] {
  return [{ result, ...verdict }];
}

/** Does not apply to this host. */
export const SILENT: readonly Verdict[] = [];
