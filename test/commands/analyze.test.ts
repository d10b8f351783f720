import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { analysisSchema } from "../report/analysis-schema.ts";
import { projectDir } from "../support/requirement.ts";
import { runCli } from "../support/run-process.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];

test("the text has the verdict first and commands last, 80 columns wide", async () => {
  const { exitCode, stdout, stderr } = await runCli(["analyze", ...DEMO]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("116 legs · 4.56 s from 2026-11-20 10:38:10 UTC · 1,506 packets, 421 kB");
  expect(lines[3]).toBe("✗ 22 of 116 legs did not end well: 22 refused");
  expect(lines[4]).toBe("  worst at 10.3.0.12:8443 · seen from lb1:eth1 · 11 of its 19 legs (58%)");
  expect(lines.at(-2)).toMatch(/--outcome refused$/);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
});

test("the command it proposes shows what it promises", async () => {
  const { stdout } = await runCli(["analyze", ...DEMO]);
  const proposed = /# who was refused, and when\n {2}l4scope ((?:.*\\\n)*.*)\n/
    .exec(stdout)?.[1]
    ?.replaceAll("\\\n", "");
  const args = proposed?.trim().split(/\s+/) ?? [];
  expect(args[0]).toBe("flows");
  const flows = await runCli(args);
  expect(flows).toMatchObject({ exitCode: 0, stderr: "" });
  expect(flows.stdout).toMatch(/^11 of 58 legs$/m);
});

test("--json is the contract's document, with --connections a list of them all", async () => {
  const [plain, withConnections] = await Promise.all([
    runCli(["analyze", "--json", ...DEMO]),
    runCli(["analyze", "--json", "--connections", ...DEMO]),
  ]);
  expect(plain.stderr + withConnections.stderr).toBe("");
  const document = analysisSchema.parse(JSON.parse(plain.stdout));
  const { connections, ...rest } = analysisSchema.parse(JSON.parse(withConnections.stdout));
  expect(document).toEqual(rest);
  expect(document.capture.files.map((file) => file.path)).toEqual(DEMO);
  expect(connections).toHaveLength(document.summary.connections);
  const refused = connections?.filter(({ outcome }) => outcome === "refused") ?? [];
  expect(refused).toHaveLength(document.summary.byOutcome.refused);
});

test("--connections needs --json", async () => {
  const { exitCode, stderr } = await runCli(["analyze", "--connections", ...DEMO]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^[^\n]*--json[^\n]*\n$/) });
});

test("the README shows what the demo prints", async () => {
  const { stdout } = await runCli(["analyze", ...DEMO]);
  const readme = readFileSync(`${projectDir}/README.md`, "utf8");
  const shown = /```\n\$ l4scope analyze fixtures\/demo\/\*\.pcap\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(stdout);
});
