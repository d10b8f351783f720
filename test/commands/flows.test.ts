import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { connectionSchema } from "../report/analysis-schema.ts";
import { runCli } from "../support/run-process.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];
const FILTER = [
  "--legs",
  "--client",
  "10.1.0.0/24",
  "--vip",
  "10.3.0.12",
  "--vip",
  "10.3.0.13:8443",
  "--outcome",
  "refused",
];

test("the same legs as table, CSV and JSON; filters stand before or after the captures", async () => {
  const [table, csv, json] = await Promise.all([
    runCli(["flows", ...DEMO, ...FILTER]),
    runCli(["flows", ...FILTER, ...DEMO, "--csv"]),
    runCli(["flows", ...FILTER, ...DEMO, "--json"]),
  ]);
  for (const { exitCode, stderr } of [table, csv, json])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const document = JSON.parse(json.stdout);
  expect(document).toMatchObject({ schema: "l4scope.flows/1", of: "legs", total: 116, matched: 11 });
  const ids = connectionSchema
    .array()
    .parse(document.connections)
    .map(({ id }) => id);
  expect(ids).toHaveLength(11);
  const csvLines = csv.stdout.trimEnd().split("\n");
  expect(csvLines.slice(1).map((line) => line.split(",")[0])).toEqual(ids);
  const tableLines = table.stdout.trimEnd().split("\n");
  expect(tableLines.slice(1, -1).map((line) => line.trim().split(/\s+/)[0])).toEqual(ids);
  expect(tableLines.at(-1)).toBe("11 of 116 legs");
  // into a pipe goes every column
  expect(tableLines[0]).toContain("history");
});

test.each([
  [["--client", "10.1.0.300"], "--client: expected an address, a prefix or an endpoint"],
  [["--vip", "lb1"], "--vip: expected an address, a prefix or an endpoint"],
  [["--port", "99999"], "less than or equal to 65535"],
  [["--outcome", "fine"], "to be one of: ok, refused, reset, timeout, open"],
  [["--sort", "size"], "to be one of: start, duration, bytes"],
  [["--csv", "--json"], "--json"],
  [["--point", "lb9"], "--point lb9: no such observation point; there are lb1:eth0, lb1:eth1"],
])("%j is refused in a line", async (args, message) => {
  const { exitCode, stdout, stderr } = await runCli(["flows", ...args, ...DEMO]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^l4scope flows: [^\n]+\n$/);
  expect(stderr).toContain(message);
});

test("connections from client to backend, unless legs are asked for", async () => {
  const only = ["--outcome", "refused", "--backend", "10.3.0.12", "--clients"];
  const [table, csv, json] = await Promise.all([
    runCli(["flows", ...DEMO, ...only]),
    runCli(["flows", ...DEMO, ...only, "--csv"]),
    runCli(["flows", ...DEMO, ...only, "--json"]),
  ]);
  for (const { exitCode, stderr } of [table, csv, json])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const document = JSON.parse(json.stdout);
  expect(document).toMatchObject({ schema: "l4scope.flows/1", of: "connections", matched: 11 });
  const connections = connectionSchema.array().parse(document.connections);
  for (const one of connections) {
    expect(one).toMatchObject({ vip: "192.0.2.10:443", backend: "10.3.0.12:8443", mode: "dnat", outcome: "refused" });
  }
  const ids = connections.map(({ id }) => id);
  expect(
    csv.stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(",")[0]),
  ).toEqual(ids);
  const tableLines = table.stdout.trimEnd().split("\n");
  expect(tableLines.slice(1, -1).map((line) => line.trim().split(/\s+/)[0])).toEqual(ids);
});

test("--pcap writes the packets of what is listed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-flows-"));
  try {
    const path = join(folder, "refused.pcapng");
    const { exitCode, stdout, stderr } = await runCli([
      "flows",
      ...DEMO,
      "--outcome",
      "refused",
      "--json",
      "--pcap",
      path,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const connections = connectionSchema.array().parse(JSON.parse(stdout).connections);
    // what was written is what was listed: read as any capture is
    const again = await runCli(["flows", path, "--json"]);
    const cut = connectionSchema.array().parse(JSON.parse(again.stdout).connections);
    const key = ({ client, vip, backend, outcome }: (typeof cut)[number]) => [client, vip, backend, outcome].join(" ");
    expect(cut.map(key).toSorted()).toEqual(connections.map(key).toSorted());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [["--legs", "--backend", "10.3.0.12"], "--backend"],
  [["--legs", "--pcap", "x.pcapng"], "--pcap"],
  [["--node", "lb9"], "--node lb9: no such node; there are lb1"],
  [["--finding", "lb.nothing"], "--finding lb.nothing: no such finding"],
])("%j is refused in a line, too", async (args, message) => {
  const { exitCode, stdout, stderr } = await runCli(["flows", ...args, ...DEMO]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^l4scope flows: [^\n]+\n$/);
  expect(stderr).toContain(message);
});

test("--pcap needs captures that can be read twice", async () => {
  const { exitCode, stderr } = await runCli(["flows", "-", "--pcap", "x.pcapng"], { stdin: "" });
  expect(exitCode).toBe(2);
  expect(stderr).toBe("l4scope flows: - can be read only once, and --pcap reads twice; write it to a file first\n");
});

describe("--topology and --import", () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-flows-set-up-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test("name the nodes by which connections are listed and filtered", async () => {
    const file = write("nodes.yaml", 'nodes:\n  - { name: edge-1, observationPoints: ["lb1:eth0", "lb1:eth1"] }\n');
    const { exitCode, stdout, stderr } = await runCli([
      "flows",
      ...DEMO,
      "--topology",
      file,
      "--node",
      "edge-1",
      "--json",
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { connections, matched } = JSON.parse(stdout);
    expect(matched).toBe(58);
    for (const { path } of connections) expect(path.up).toEqual(["edge-1"]);
    const old = await runCli(["flows", ...DEMO, "--topology", file, "--node", "lb1"]);
    expect(old).toMatchObject({ exitCode: 2, stderr: "l4scope flows: --node lb1: no such node; there are edge-1\n" });
  });

  test("complete what the clients' side alone does not show", async () => {
    const [front = ""] = DEMO;
    const table = write(
      "ipvsadm-Lcn",
      `IPVS connection entries
pro expire state       source             virtual            destination
TCP 14:58  ESTABLISHED 10.1.0.21:40821 192.0.2.10:443 10.3.0.12:8443
`,
    );
    const list = JSON.parse((await runCli(["flows", front, "--json"])).stdout).connections as { client: string }[];
    const client = list[0]?.client ?? "";
    const own = write("own", `TCP 14:58  ESTABLISHED ${client} 192.0.2.10:443 10.3.0.12:8443\n`);
    const { stdout } = await runCli(["flows", front, "--import", table, "--import", own, "--client", client, "--csv"]);
    expect(stdout).toContain(`${client},192.0.2.10:443,10.3.0.12:8443`);
  });

  test.each([
    [["--legs", ...DEMO, "--topology", "t.yaml"], "--legs"],
    [["--store", "x.db", "--import", "t.yaml"], "--store"],
    [["-", "--topology", "-"], "stdin can be read only once"],
    [[...DEMO, "--import", "/nowhere/rules"], "/nowhere/rules: no such file or directory"],
  ])("%j is refused in a line", async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(["flows", ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^l4scope flows: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});
