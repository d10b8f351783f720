import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { analysisSchema } from "../report/analysis-schema.ts";
import { projectDir } from "../support/requirement.ts";
import { runCli } from "../support/run-process.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];
const folder = mkdtempSync(join(tmpdir(), "l4scope-analyze-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the text has the cause first, 80 columns wide", async () => {
  const { exitCode, stdout, stderr } = await runCli(["analyze", ...DEMO]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("58 connections · 192.0.2.10:443 (dnat) → 3 backends");
  expect(lines.find((line) => /^[✗!]/.test(line))).toMatch(/^✗ 10\.3\.0\.12:8443 refuses connections: 11 of 19/);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
});

test("the explanation it proposes is there", async () => {
  const { stdout } = await runCli(["analyze", ...DEMO]);
  const [, command = ""] = /^ {2}l4scope (explain \S+)$/m.exec(stdout) ?? [];
  expect(await runCli(command.split(" "))).toMatchObject({ exitCode: 0, stderr: "" });
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
  expect(document.findings[0]).toMatchObject({ id: "backend.refusing", affected: { connections: 11 } });
  expect(connections).toHaveLength(document.summary.connections);
  const refused = connections?.filter(({ outcome }) => outcome === "refused") ?? [];
  expect(refused).toHaveLength(document.summary.byOutcome.refused);
});

test("--connections needs --json", async () => {
  const { exitCode, stderr } = await runCli(["analyze", "--connections", ...DEMO]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^[^\n]*--json[^\n]*\n$/) });
});

test("--fail-on exits with 3 where a finding is as bad, after all output", async () => {
  const critical = await runCli(["analyze", ...DEMO, "--fail-on", "critical"]);
  expect(critical).toMatchObject({ exitCode: 3, stderr: "" });
  expect(critical.stdout).toContain("refuses connections");
  expect(await runCli(["analyze", ...DEMO, "--fail-on", "warning", "--json"])).toMatchObject({ exitCode: 3 });
  const ignored = await runCli(["analyze", ...DEMO, "--fail-on", "warning", "--ignore", "backend.refusing"]);
  expect(ignored).toMatchObject({ exitCode: 0 });
});

test("--only and --ignore choose findings by id and by family", async () => {
  const idsOf = async (...flags: string[]) => {
    const { stdout } = await runCli(["analyze", ...DEMO, "--json", ...flags]);
    return analysisSchema.parse(JSON.parse(stdout)).findings.map(({ id }) => id);
  };
  expect(await idsOf("--only", "backend.*")).toEqual(["backend.refusing"]);
  expect(await idsOf("--only", "path.*", "--only", "ecmp.rehash")).toEqual([]);
  expect(await idsOf("--ignore", "backend.*")).not.toContain("backend.refusing");
});

test("--fail-on follows what is told: not the known cause with what it explains, but what is asked for by name", async () => {
  const folder = "fixtures/scenarios/vrrp-failover";
  const { files } = JSON.parse(readFileSync(join(projectDir, folder, "expect.json"), "utf8")) as { files: string[] };
  const analyze = (...flags: string[]) =>
    runCli(["analyze", ...files.map((file) => join(folder, file)), "--fail-on", "warning", ...flags]);
  const [known, symptom, both] = await Promise.all([
    analyze("--ignore", "lb.failover"),
    analyze("--only", "ecmp.rehash"),
    analyze("--only", "ecmp.rehash", "--ignore", "lb.failover", "--json"),
  ]);
  expect(known.exitCode).toBe(0);
  expect(known.stdout.replaceAll("\n  ", " ")).toContain(
    "ignored as asked: lb.failover, and what it explains: ecmp.rehash",
  );
  expect(symptom.exitCode).toBe(3);
  expect(symptom.stdout).toMatch(/^ {4}cause {7}explained by lb\.failover: /m);
  expect(both.exitCode).toBe(0);
  const document = analysisSchema.parse(JSON.parse(both.stdout));
  expect(document.findings).toEqual([]);
  expect(document.leftOut?.explainedByIgnored).toHaveLength(1);
});

test("a finding that there is not is told in a line, exit code 2, before anything is read", async () => {
  const { exitCode, stdout, stderr } = await runCli(["analyze", "--ignore", "backend.nope", "missing.pcap"]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toBe("l4scope analyze: --ignore backend.nope: no such finding; l4scope explain lists them\n");
});

test("--html writes a page beside the text", async () => {
  const path = join(folder, "report.html");
  const { exitCode, stdout, stderr } = await runCli(["analyze", ...DEMO, "--html", path]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("refuses connections");
  expect(readFileSync(path, "utf8")).toMatch(/^<!doctype html>[\s\S]*refuses connections[\s\S]*<\/html>\n$/);
});

test("the page has a ladder of a connection, and says why it has none of a capture on stdin", async () => {
  const path = join(folder, "ladders.html");
  await runCli(["analyze", ...DEMO, "--html", path]);
  expect(readFileSync(path, "utf8")).toMatch(/<div class="ladder"[\s\S]*RST,ACK/);
  const stdin = readFileSync(join(projectDir, DEMO[0] ?? ""));
  const piped = await runCli(["analyze", "-", DEMO[1] ?? "", "--html", path], { stdin });
  expect(piped).toMatchObject({ exitCode: 0, stderr: "" });
  const page = readFileSync(path, "utf8");
  expect(page).toContain("No ladder: stdin can be read only once");
  expect(page).not.toContain('class="ladder"');
});

test("a page that cannot be written is told in a line", async () => {
  const { exitCode, stderr } = await runCli(["analyze", ...DEMO, "--html", join(folder, "none", "report.html")]);
  expect(exitCode).toBeGreaterThan(0);
  expect(stderr).toMatch(/^l4scope analyze: [^\n]*report\.html: no such file or directory\n$/);
});

test("--topology gives weights, and what does not agree is told", async () => {
  const path = join(folder, "topology.yaml");
  const backends = [11, 12, 13].map(
    (last) => `      - { backend: 10.3.0.${last}:8443, weight: ${last === 11 ? 2 : 1} }`,
  );
  writeFileSync(
    path,
    ["vips:", "  - vip: 192.0.2.10:443", "    mode: proxy", "    backends:", ...backends, ""].join("\n"),
  );
  const { exitCode, stdout, stderr } = await runCli(["analyze", ...DEMO, "--json", "--topology", path]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const { topology } = analysisSchema.parse(JSON.parse(stdout));
  expect(topology.vips[0]?.backends.map(({ expectedShare }) => expectedShare)).toEqual([0.5, 0.25, 0.25]);
  expect(topology.contradictions).toEqual([expect.stringContaining("given as proxy, but its packets show dnat")]);
  writeFileSync(path, "vips: nothing\n");
  const wrong = await runCli(["analyze", ...DEMO, "--topology", path]);
  expect(wrong).toMatchObject({ exitCode: 2, stdout: "" });
  expect(wrong.stderr).toContain("topology.yaml");
});

test("the README shows what the demo prints", async () => {
  const { stdout } = await runCli(["analyze", ...DEMO]);
  const readme = readFileSync(`${projectDir}/README.md`, "utf8");
  const shown = /```\n\$ l4scope analyze fixtures\/demo\/\*\.pcap\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(stdout);
});
