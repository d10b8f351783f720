import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { Case } from "../../src/diagnose/case.ts";
import { type Diagnosis, diagnose } from "../../src/diagnose/diagnose.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { connect } from "../../src/path/connect.ts";
import type { Connection } from "../../src/path/connection.ts";
import { projectDir, sharedDir } from "../support/requirement.ts";

/** What a scenario says is true: the part of expect.json that the detectors are held to. */
interface Expectation {
  scenario: string;
  files: string[];
  args?: string[];
  top: string[];
  also?: string[];
  where?: Record<string, string>;
  scheduler?: string | string[];
  connections: {
    client: string;
    vip: string;
    start: number;
    reset?: { by: string | string[]; cause: string | string[] };
  }[];
}

const accepts = (accepted: string | string[], value: string | undefined) =>
  value !== undefined && [accepted].flat().includes(value);

async function run(folder: string, expected: Expectation): Promise<{ diagnosis: Diagnosis; timeBase: TimeBase }> {
  const timeBase = new TimeBase();
  const captures = await trackCaptures(
    expected.files.map((file) => join(folder, file)),
    { timeBase },
  );
  return { diagnosis: diagnose(connect(captures)), timeBase };
}

function nearest(subject: Case, timeBase: TimeBase, truth: Expectation["connections"][number]): Connection | undefined {
  const distance = (connection: Connection) => Math.abs(Number(timeBase.toEpoch(connection.start)) - truth.start);
  return subject.connections
    .filter(({ client, vip }) => subject.text(client) === truth.client && subject.text(vip) === truth.vip)
    .sort((a, b) => distance(a) - distance(b))[0];
}

function scenariosIn(root: string): { folder: string; expected: Expectation }[] {
  return (
    readdirSync(root)
      .map((name) => join(root, name))
      .filter((folder) => existsSync(join(folder, "expect.json")))
      .map((folder) => ({
        folder,
        expected: JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as Expectation,
      }))
      // what needs a topology file is held by the test of the command
      .filter(({ expected }) => !expected.args?.length)
  );
}

function hold(folder: string, expected: Expectation): void {
  it(`${expected.scenario}: ${expected.top.join(" or ") || "silence"}`, async () => {
    const { diagnosis, timeBase } = await run(folder, expected);
    const { subject, findings, schedulers } = diagnosis;
    const loud = findings.filter(({ id, severity }) => severity !== "info" && !id.startsWith("capture."));
    const ids = loud.map(({ id }) => id);
    const allowed = [...expected.top, ...(expected.also ?? [])];
    expect(ids.filter((id) => !allowed.includes(id))).toEqual([]);
    if (expected.top.length > 0) {
      expect(expected.top).toContain(ids[0]);
      for (const [key, value] of Object.entries(expected.where ?? {})) {
        expect(loud[0]?.where[key as keyof (typeof loud)[0]["where"]]).toBe(value);
      }
    }
    if (expected.scheduler) {
      expect([...schedulers.values()].some(({ name }) => accepts(expected.scheduler!, name))).toBe(true);
    }
    const resets = expected.connections.flatMap((truth) => (truth.reset ? [{ truth, reset: truth.reset }] : []));
    const verdicts = resets.map(({ truth, reset }) => {
      const connection = nearest(subject, timeBase, truth);
      const verdict = connection ? subject.mainReset(connection) : null;
      return { by: accepts(reset.by, verdict?.by), cause: accepts(reset.cause, verdict?.cause) };
    });
    const share = (key: "by" | "cause") =>
      verdicts.filter((verdict) => verdict[key]).length / Math.max(1, verdicts.length);
    if (verdicts.length > 0 && !UNSEEN_RESETS.has(expected.scenario)) {
      expect(share("by")).toBeGreaterThanOrEqual(0.95);
      expect(share("cause")).toBeGreaterThanOrEqual(0.9);
    }
  });
}

/** Resets whose author no capture of the scenario can show: forged on the client's own link, which was not captured. */
const UNSEEN_RESETS = new Set(["injected-reset-race"]);

describe("the lab's scenarios", () => {
  for (const { folder, expected } of scenariosIn(join(projectDir, "fixtures/scenarios"))) hold(folder, expected);
});

const labelled = sharedDir() ? join(sharedDir()!, "labelled") : null;
if (labelled === null) process.stderr.write("skipped: ../shared/labelled (it is not beside the project)\n");
describe.skipIf(labelled === null)("labelled captures", () => {
  for (const { folder, expected } of scenariosIn(labelled ?? join(projectDir, "fixtures/scenarios")))
    hold(folder, expected);
});

describe("findings", () => {
  it("say what, why, where, when, and how to see and mend it", async () => {
    for (const { folder, expected } of scenariosIn(join(projectDir, "fixtures/scenarios"))) {
      if (expected.top.length === 0) continue;
      const { diagnosis } = await run(folder, expected);
      for (const finding of diagnosis.findings) {
        const named = `${expected.scenario} ${finding.id}`;
        expect(finding.title.length, named).toBeGreaterThan(10);
        expect(finding.explanation.length, named).toBeGreaterThan(20);
        expect(finding.title, named).not.toMatch(/NaN|undefined|Infinity|\[object/);
        expect(finding.explanation, named).not.toMatch(/NaN|undefined|Infinity|\[object/);
        expect(finding.confidence, named).toBeGreaterThan(0);
        expect(finding.confidence, named).toBeLessThanOrEqual(1);
        expect(finding.window.to, named).toBeGreaterThanOrEqual(finding.window.from);
        if (finding.severity === "info") continue;
        expect(finding.remedy.length, named).toBeGreaterThan(0);
        expect(finding.evidence.length, named).toBeGreaterThan(0);
        for (const { frame } of finding.evidence) expect(frame, named).toBeGreaterThan(0);
      }
    }
  });
});
