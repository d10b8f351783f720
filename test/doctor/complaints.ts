import type { Result } from "../../src/doctor/check.ts";
import type { CounterSample } from "../../src/doctor/counter-sample.ts";
import { type Examination, examine } from "../../src/doctor/examine.ts";
import type { Role } from "../../src/doctor/roles.ts";
import { fakeHost, type Said } from "./fake-host.ts";

/** All that is not ok: id to result, in the order of the registry; of several of one id, the worst comes first. */
export function complaintsOf({ verdicts }: Examination): Record<string, Result> {
  const complaints: Record<string, Result> = {};
  for (const { id, result } of verdicts) if (result !== "ok") complaints[id] ??= result;
  return complaints;
}

/** What is said of a made-up host, without what every made-up host lacks: a clock, and things to run probes with. */
export function complaints(said: Said, roles: readonly Role[] = [], earlier?: CounterSample): Record<string, Result> {
  return complaintsOf(examine(fakeHost(said), { roles, earlier, ignore: ["time.*"] }));
}
