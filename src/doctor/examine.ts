import type { Host } from "../host/host.ts";
import { RESULTS, type Result, type Verdict } from "./check.ts";
import type { CountedSince } from "./count.ts";
import type { CounterSample } from "./counter-sample.ts";
import { HostFacts } from "./host-facts.ts";
import { CHECKS, type Part } from "./registry.ts";
import { inferRoles, type Role, type Roles } from "./roles.ts";
import { unseen } from "./unseen.ts";

/** What a host is looked at for. */
export interface Looking {
  /** What the host is, where the user says so; else that is inferred. */
  roles?: readonly Role[] | undefined;
  /** Counters of some time ago, where the host is watched. */
  earlier?: CounterSample | undefined;
  /** Ids of checks, or prefixes such as `conntrack.*`. */
  only?: readonly string[] | undefined;
  ignore?: readonly string[] | undefined;
}

export interface CheckedVerdict extends Verdict {
  id: string;
  part: Part;
}

/** All that was found out about a host. */
export interface Examination {
  isLive: boolean;
  hostName: string | null;
  kernelRelease: string | null;
  since: CountedSince;
  roles: Roles;
  /** In the order of the registry. */
  verdicts: CheckedVerdict[];
  /** Ids of checks that do not apply to this host. */
  silent: string[];
  /** What could not be looked at. */
  unseen: string[];
}

/** Looks at a host with every check that is asked for. */
export function examine(host: Host, { roles: given, earlier, only, ignore }: Looking): Examination {
  const facts = new HostFacts(host, earlier ?? null);
  const roles = inferRoles(facts, given === undefined || given.length === 0 ? null : given);
  const verdicts: CheckedVerdict[] = [];
  const silent: string[] = [];
  for (const part of ["run", "host"] as const) {
    for (const { id, look } of CHECKS[part]) {
      if (!isChosen(id, only, ignore)) continue;
      const found = look(facts, roles);
      if (found.length === 0) silent.push(id);
      for (const verdict of found) verdicts.push({ id, part, ...verdict });
    }
  }
  return {
    isLive: host.isLive,
    hostName: host.readText("/proc/sys/kernel/hostname")?.trim() ?? null,
    kernelRelease: facts.kernelRelease,
    since: facts.since,
    roles,
    verdicts,
    silent,
    unseen: unseen(facts),
  };
}

/** How many verdicts there are of each result. */
export function tally(verdicts: readonly Verdict[]): Record<Result, number> {
  const counts = Object.fromEntries(RESULTS.map((result) => [result, 0])) as Record<Result, number>;
  for (const { result } of verdicts) counts[result]++;
  return counts;
}

/** Why a choice of checks makes no sense, in a line; null where it does. */
export function objectionTo(choice: Pick<Looking, "only" | "ignore">): string | null {
  const ids = [...CHECKS.run, ...CHECKS.host].map(({ id }) => id);
  for (const flag of ["only", "ignore"] as const) {
    const unknown = choice[flag]?.find((pattern) => !ids.some((id) => isMatch(pattern, id)));
    if (unknown !== undefined) return `--${flag} ${unknown}: no such check; l4scope doctor --full names them`;
  }
  return null;
}

/** Whether anything is as bad as a limit, or worse. */
export function hasAsBadAs(verdicts: readonly Verdict[], limit: "warning" | "critical"): boolean {
  return verdicts.some(({ result }) => result === "critical" || result === limit);
}

function isChosen(id: string, only: readonly string[] = [], ignore: readonly string[] = []): boolean {
  if (ignore.some((pattern) => isMatch(pattern, id))) return false;
  return only.length === 0 || only.some((pattern) => isMatch(pattern, id));
}

function isMatch(pattern: string, id: string): boolean {
  return pattern.endsWith("*") ? id.startsWith(pattern.slice(0, -1)) : pattern === id;
}
