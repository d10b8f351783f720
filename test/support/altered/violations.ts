import { type Diagnosis, diagnose } from "../../../src/diagnose/diagnose.ts";
import { connect } from "../../../src/path/connect.ts";
import type { Connection } from "../../../src/path/connection.ts";
import type { Run, TrueConnection } from "./run.ts";
import { trackSeen } from "./seen-capture.ts";

/** What was said although it is not true, worst first; the last two are only silences. */
export type ViolationKind =
  | "false critical"
  | "false warning"
  | "wrong place"
  | "wrong author"
  | "wrong backend"
  | "wrong cause"
  | "wrong outcome"
  | "false info"
  | "lost finding"
  | "lost backends";

export interface Violation {
  kind: ViolationKind;
  /** The finding, or what is wrong, in a word. */
  what: string;
  /** For whoever looks into it. */
  detail: string;
}

/** What an analysis said, as far as it is compared. */
export interface Said {
  violations: Violation[];
  /** Connections that were given their backend, of those whose client used its port once. */
  joined: number;
  first: string | null;
}

/**
 * Causes that may be named where the points do not show the whole of it: what they say is true, though it is not the
 * root. An LB that forgot flows when it was failed over has lost its state; etc.
 */
const COARSER: Readonly<Record<string, readonly string[]>> = {
  // seen from behind: answers that go to a router and not to the balancer, which needs them
  "path.direct-reply": ["path.asymmetric"],
  // in a piece of it: SYNs that a full queue drops
  "backend.overflow": ["backend.unreachable"],
};

/** What a reset's cause may be called where the points do not show why: a lost state, whoever lost it. */
const COARSER_CAUSES: Readonly<Record<string, string>> = {
  "idle-timeout": "no-state",
  "direct-reply": "no-state",
};

/** A 4-tuple that was used twice is told apart by its start, where that was seen to this many seconds. */
const SAME_START_SECONDS = 0.05;
const isMac = (text: string) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text);

/** Analyses a run and compares with its truth. */
export async function said(run: Run): Promise<{ diagnosis: Diagnosis; said: Said }> {
  const captures = await trackSeen(run.captures, run.timeBase);
  const { topology, timeBase } = run;
  const connected = connect(captures, topology === null ? null : { topology, baseSeconds: timeBase.seconds });
  const diagnosis = diagnose(connected, topology);
  return { diagnosis, said: compare(run, diagnosis) };
}

function compare({ truth, timeBase }: Run, { subject, findings }: Diagnosis): Said {
  const violations: Violation[] = [];
  const allowed = new Set([...truth.top, ...truth.also]);
  for (const id of [...allowed]) for (const coarser of COARSER[id] ?? []) allowed.add(coarser);
  const aboutNetwork = findings.filter(({ id }) => !/^(capture|note)\./.test(id));
  const loud = aboutNetwork.filter(({ severity }) => severity !== "info");
  for (const { id, severity, title, confidence, connections } of aboutNetwork) {
    if (allowed.has(id)) continue;
    const kind = severity === "critical" ? "false critical" : severity === "warning" ? "false warning" : "false info";
    violations.push({ kind, what: id, detail: `${title} (${confidence}, ${connections.length} connections)` });
  }
  const [first] = loud;
  if (first && truth.top.includes(first.id)) {
    for (const [key, value] of Object.entries(truth.where)) {
      const got = first.where[key as keyof typeof first.where];
      // a host that was not captured is known by its MAC alone
      if (got !== undefined && got !== value && !(isMac(got) && !isMac(value)))
        violations.push({ kind: "wrong place", what: `${first.id} ${key}`, detail: `${got}, not ${value}` });
    }
  }
  if (truth.top.length > 0 && !loud.some(({ id }) => truth.top.includes(id)))
    violations.push({ kind: "lost finding", what: truth.top.join(" or "), detail: first?.id ?? "silent" });

  const byCall = new Map<string, Connection[]>();
  for (const connection of subject.connections) {
    if (connection.healthCheck) continue;
    const call = `${subject.text(connection.client)} > ${subject.text(connection.vip)}`;
    const list = byCall.get(call);
    if (list) list.push(connection);
    else byCall.set(call, [connection]);
  }
  const uses = new Map<string, number>();
  for (const { client, vip } of truth.connections) {
    const call = `${client} > ${vip}`;
    uses.set(call, (uses.get(call) ?? 0) + 1);
  }
  let joined = 0;
  for (const connection of truth.connections) {
    const call = `${connection.client} > ${connection.vip}`;
    const found = nearest(byCall.get(call) ?? [], connection, timeBase.seconds ?? 0);
    if (!found) continue;
    if (uses.get(call) !== 1 && secondsBetween(found, connection, timeBase.seconds ?? 0) > SAME_START_SECONDS) continue;
    const named = `${call} at ${connection.start}`;
    const backend = found.backend === null ? null : subject.text(found.backend);
    if (backend !== null && connection.backend !== undefined) {
      const isTheirs = [connection.backend].flat().includes(backend);
      if (isTheirs && uses.get(call) === 1) joined++;
      if (!isTheirs)
        violations.push({
          kind: "wrong backend",
          what: found.joinKeys.join("+"),
          detail: `${named}: ${backend}, not ${connection.backend}`,
        });
    }
    violations.push(...wrongEnd(subject, found, connection, named));
  }
  return { violations, joined, first: first?.id ?? null };
}

function wrongEnd(subject: Diagnosis["subject"], found: Connection, truth: TrueConnection, named: string): Violation[] {
  const wrong: Violation[] = [];
  const reset = subject.mainReset(found);
  if (truth.reset && reset) {
    const { by, cause } = truth.reset;
    const told = `${reset.by}/${reset.cause} (${reset.confidence}), not ${by}/${cause}: ${reset.clues.join("; ")}`;
    if (by !== undefined && reset.by !== "unknown" && ![by].flat().includes(reset.by))
      wrong.push({ kind: "wrong author", what: `${reset.by} for ${by}`, detail: `${named}: ${told}` });
    else if (cause !== undefined && reset.cause !== "unknown" && !isCause(cause, reset.cause))
      wrong.push({ kind: "wrong cause", what: `${reset.cause} for ${cause}`, detail: `${named}: ${told}` });
  }
  const outcome = subject.outcome(found);
  // whether it went on where nobody looked any more, an outcome cannot know
  if (truth.outcome !== undefined && ["refused", "reset", "timeout"].includes(outcome)) {
    if (![truth.outcome].flat().includes(outcome))
      wrong.push({ kind: "wrong outcome", what: `${outcome} for ${truth.outcome}`, detail: named });
  }
  return wrong;
}

function isCause(truth: string | string[], told: string): boolean {
  return [truth].flat().some((cause) => cause === told || COARSER_CAUSES[cause] === told);
}

function nearest(candidates: readonly Connection[], truth: TrueConnection, base: number): Connection | undefined {
  return candidates.toSorted((a, b) => secondsBetween(a, truth, base) - secondsBetween(b, truth, base))[0];
}

function secondsBetween(found: Connection, { start }: TrueConnection, base: number): number {
  return Math.abs(found.start / 1e9 + base - start);
}
