import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diffSchema } from "../report/diff-schema.ts";
import { runCli } from "../support/run-process.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];
const scenario = (name: string, isWanted: RegExp) =>
  readdirSync(`fixtures/scenarios/${name}`)
    .filter((file) => isWanted.test(file))
    .map((file) => `fixtures/scenarios/${name}/${file}`);
const [healthy, refusing] = ["dnat-rr", "dnat-backend-refusing"].map((name) => scenario(name, /^lb1.*pcap/)) as [
  string[],
  string[],
];

test("before and after: text and document say the same", async () => {
  const args = ["diff", "--before", ...healthy, "--after", ...refusing];
  const [text, json] = await Promise.all([runCli(args), runCli([...args, "--json"])]);
  for (const { exitCode, stderr } of [text, json]) expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const document = diffSchema.parse(JSON.parse(json.stdout));
  expect(document.verdict.result).toBe("changed");
  expect(document.before).toMatchObject({ connections: 58, observationPoints: ["lb1:eth0", "lb1:eth1"] });
  const said = text.stdout.replace(/\n +/g, " ");
  expect(said.startsWith(`✗ ${document.verdict.sentence} before `)).toBe(true);
  expect(document.verdict.sentence).toMatch(
    /^after: 19 points more refusals of 192\.0\.2\.10:443, all at 10\.3\.0\.12:8443,/,
  );
  expect(said).toContain("+ backend.refusing 10.3.0.12:8443 refuses connections");
});

test("a capture against itself", async () => {
  const [one = ""] = healthy;
  const { exitCode, stdout, stderr } = await runCli(["diff", one, one]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^✓ nothing changed that chance does not explain: 58 connections before, 58 after/);
});

test("two times of one run, by a moment and by windows", async () => {
  const files = scenario("ecmp-resilient-add", /pcap/);
  const [at, windows] = await Promise.all([
    runCli(["diff", ...files, "--at", "+2.5s", "--json"]),
    runCli(["diff", ...files, "--before-window", "..+2.5s", "--after-window", "+2.5s..", "--json"]),
  ]);
  expect(at.stderr + windows.stderr).toBe("");
  const documents = [at, windows].map(({ stdout }) => diffSchema.parse(JSON.parse(stdout)));
  expect(documents[0]).toEqual(documents[1]);
  expect(documents[0]?.before.durationSeconds).toBe(2.5);
});

test("a store in place of the captures that filled it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-diff-"));
  try {
    const store = join(folder, "l4.db");
    const files = scenario("ecmp-rehash-add", /pcap/);
    expect((await runCli(["analyze", ...files, "--store", store])).exitCode).toBe(0);
    const documents = await Promise.all(
      [[store], files].map(async (inputs) => {
        const { exitCode, stdout, stderr } = await runCli(["diff", ...inputs, "--at", "+2.5s", "--json"]);
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
        return diffSchema.parse(JSON.parse(stdout));
      }),
    );
    expect(documents[0]?.verdict).toEqual(documents[1]?.verdict);
    expect(documents[0]?.verdict.result).toBe("changed");
    for (const [args, message] of [
      [[store, files[0] ?? ""], "is a store and fixtures/"],
      [[store, "--at", "+1s", "--topology", "t.yaml"], "--topology is for captures"],
    ] satisfies [string[], string][]) {
      const { exitCode, stdout, stderr } = await runCli(["diff", ...args]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(/^l4scope diff: [^\n]+\n$/);
      expect(stderr).toContain(message);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [[], "missing CAPTURE: name two captures, or some and --at TIME"],
  [["a.pcap"], "one capture has two sides only by time: --at TIME"],
  [["a.pcap", "b.pcap", "c.pcap"], "3 captures could be divided in several ways"],
  [["--at", "+1s"], "missing CAPTURE"],
  [["-", "-"], "stdin can be read only once"],
  [[...DEMO, "--at", "noon"], "expected a time such as 14:07:52 (UTC)"],
  [[...DEMO, "--at", "+1h"], "lies outside of the captures"],
  [[...DEMO, "--before-window", "+1s"], "expected FROM..TO"],
  [["a.pcap", "--before", "b.pcap", "--after", "c.pcap"], "--after"],
  [["--before", "b.pcap"], "--after"],
  [["--at", "+1s", "--before", "b.pcap", "--after", "c.pcap"], "--at"],
  [[...DEMO, "--at", "+1s", "--after-window", "+1s.."], "--at"],
])("%j is refused in a line", async (args, message) => {
  const { exitCode, stdout, stderr } = await runCli(["diff", ...args]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^l4scope diff: [^\n]+\n$/);
  expect(stderr).toContain(message);
});
