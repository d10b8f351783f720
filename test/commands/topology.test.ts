import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTopologyFile } from "../../src/topology/read-file.ts";
import { runCli } from "../support/run-process.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];
const RULES = `-A -t 192.0.2.10:443 -s wrr
-a -t 192.0.2.10:443 -r 10.3.0.11:8443 -m -w 2
-a -t 192.0.2.10:443 -r 10.3.0.12:8443 -m -w 1
`;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-topology-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test("draws what captures show, 80 columns wide, and says nothing else", async () => {
  const { exitCode, stdout, stderr } = await runCli(["topology", ...DEMO]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^192\.0\.2\.10:443 tcp · dnat · rr · 58 connections · /);
  expect(stdout).toMatch(/10\.1\.0\.0\/24 58 ── \S+ ─+ lb1 58 ─+┬─ 10\.3\.0\.11:8443 20 34%/);
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
});

test("--json is one document", async () => {
  const { exitCode, stdout } = await runCli(["topology", "--json", ...DEMO]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    schema: "l4scope.topology-report/1",
    vips: [{ vip: "192.0.2.10:443", mode: "dnat", modeSource: "packets", backends: [{}, {}, {}] }],
  });
});

test("an import alone is enough, from stdin too", async () => {
  const { exitCode, stdout, stderr } = await runCli(["topology", "--import", "-"], { stdin: RULES });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("192.0.2.10:443 tcp · dnat (as given) · wrr · no connection seen");
  expect(stdout).toContain("10.3.0.11:8443 weight 2");
});

test("--write writes a file that --topology takes, and writes over none unasked", async () => {
  const path = join(folder, "written.yaml");
  const rules = write("rules", RULES);
  const first = await runCli(["topology", ...DEMO, "--import", rules, "--write", path]);
  expect(first).toMatchObject({ exitCode: 0, stderr: `wrote ${path}\n` });
  const { vips, nodes } = readTopologyFile(readFileSync(path, "utf8"), path);
  expect(vips).toMatchObject([{ vip: "192.0.2.10:443", mode: "dnat", scheduler: "wrr" }]);
  expect(vips[0]?.backends.map(({ backend, weight }) => `${backend} ${weight}`)).toEqual([
    "10.3.0.11:8443 2",
    "10.3.0.12:8443 1",
    "10.3.0.13:8443 1",
  ]);
  expect(nodes.map(({ name }) => name)).toContain("lb1");
  const second = await runCli(["topology", "--topology", path, "--write", path]);
  expect(second).toMatchObject({
    exitCode: 2,
    stdout: "",
    stderr: `l4scope topology: ${path} is there already: --force writes over it\n`,
  });
  const forced = await runCli(["topology", ...DEMO, "--topology", path, "--write", path, "--force"]);
  expect(forced.exitCode).toBe(0);
  const piped = await runCli(["topology", ...DEMO, "--topology", path, "--write", "-"]);
  expect(piped).toMatchObject({ exitCode: 0, stderr: "", stdout: readFileSync(path, "utf8") });
});

test("a file with mistakes is told line by line, exit 2, and nothing is written", async () => {
  const path = write(
    "wrong.yaml",
    "vips:\n  - vip: here\n    mode: nat\nnode: []\nthresholds: { no.such: { x: 1 } }\n",
  );
  const target = join(folder, "never.yaml");
  const { exitCode, stdout, stderr } = await runCli(["topology", ...DEMO, "--topology", path, "--write", target]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  const places = [...stderr.matchAll(/^l4scope topology: (\S+?): [^\n]+$/gm)].map(([, place]) => place);
  expect(places).toEqual([`${path}:2:10`, `${path}:3:11`, `${path}:4:1`]);
  expect(stderr.split("\n")).toHaveLength(4);
  expect(existsSync(target)).toBe(false);
  const right = write("right.yaml", "thresholds: { no.such: { x: 1 } }\n");
  expect((await runCli(["topology", "--topology", right])).stderr).toMatch(
    /^l4scope topology: \S+:1:15: thresholds: no finding "no\.such" has thresholds; expected one of [^\n]+\n$/,
  );
});

test("what an import has that cannot be read is a warning", async () => {
  const path = write("rules-with-a-name", `${RULES}-A -t www.example.org:80 -s rr\n`);
  const { exitCode, stdout, stderr } = await runCli(["topology", "--import", path]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("192.0.2.10:443");
  expect(stderr).toMatch(/^l4scope topology: warning: \S+:4: expected ADDRESS:PORT in numbers, got [^\n]+\n$/);
});

test.each([
  [[], "nothing to show: name captures, --import or --topology"],
  [["-", "--import", "-"], "stdin can be read only once: - stands for a capture and for a file"],
  [["--import", "-", "--json", "--write", "-"], "--json and --write - both print on stdout: give a file's name"],
  [["--import", "/nowhere/nft.json"], "/nowhere/nft.json: no such file or directory"],
])("%j is wrong usage", async (args, message) => {
  const { exitCode, stdout, stderr } = await runCli(["topology", ...args]);
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: "", stderr: `l4scope topology: ${message}\n` });
});
