import type { Result } from "./check.ts";
import { type Examination, tally } from "./examine.ts";
import type { Part } from "./registry.ts";
import type { Role } from "./roles.ts";

/** `doctor --json`. */
export interface DoctorDocument {
  schema: "l4scope.doctor/1";
  host: {
    name: string | null;
    kernel: string | null;
    /** Seconds. */
    uptime: number | null;
    /** False where a folder was looked at. */
    live: boolean;
    roles: { role: Role; because: string }[];
  };
  /** Seconds that counters were watched, null where they are told since boot. */
  watched: number | null;
  /** Verdicts of each result, and checks that do not apply here. */
  summary: Record<Result, number> & { silent: number };
  checks: {
    id: string;
    part: Part;
    result: Result;
    title: string;
    seen: Record<string, string | number | boolean | null>;
    why: string;
    remedy: string[];
  }[];
  /** Ids of the checks that do not apply here. */
  silent: string[];
  /** What could not be looked at, in words. */
  unseen: string[];
}

export function doctorDocument(examination: Examination): DoctorDocument {
  const { hostName, kernelRelease, isLive, since, roles, verdicts, silent, unseen } = examination;
  return {
    schema: "l4scope.doctor/1",
    host: {
      name: hostName,
      kernel: kernelRelease,
      uptime: since.uptimeSeconds,
      live: isLive,
      roles: [...roles.because].map(([role, because]) => ({ role, because })),
    },
    watched: since.watchedSeconds,
    summary: { ...tally(verdicts), silent: silent.length },
    checks: verdicts.map(({ id, part, result, title, seen, why, remedy }) => ({
      id,
      part,
      result,
      title,
      seen: { ...seen },
      why,
      remedy: [...remedy],
    })),
    silent: [...silent],
    unseen: [...unseen],
  };
}
