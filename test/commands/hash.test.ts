import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSchema } from "../report/hash/hash-schema.ts";
import { runCli } from "../support/run-process.ts";

const TEN = ["hash", "--backend", "10.2.0.11..20:8080"];
const scenario = (name: string, ...files: string[]) => [
  "--capture",
  ...files.map((file) => `fixtures/scenarios/${name}/${file}.pcap.gz`),
];
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-hash-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function documentOf(args: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCli([...args, "--json"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return hashSchema.parse(JSON.parse(stdout));
}

test("compares all methods, 80 columns wide, without colours", async () => {
  const { exitCode, stdout, stderr } = await runCli(TEN);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("100,000 connections of 100,000 made-up clients (spread, seed 1)");
  expect(stdout).toMatch(/^! \d of \d+ methods do not share by the weights; the least even is /m);
  expect(stdout).toMatch(/^ {2}katran-v2 +1\.0\d {2}10\.2\.0\.\d+:8080 /m);
  expect(lines.filter((line) => [...line].length > 80 || line.includes("\u001b"))).toEqual([]);
});

test("the same question gets the same answer", async () => {
  const args = [...TEN, "--keys", "2000", "--sources", "nat", "--clients", "9", "--drain", "10.2.0.12"];
  const [first, second] = [await runCli(args), await runCli(args)];
  expect(second.stdout).toBe(first.stdout);
  expect((await runCli([...args, "--seed", "2"])).stdout).not.toBe(first.stdout);
});

test("methods beside one another, with options", async () => {
  const methods = ["--method", "katran-v2", "--method", "katran-v2:ring=4099", "--option", "fields=src", "--compare"];
  const document = await documentOf([...TEN, "--keys", "500", ...methods]);
  expect(document.methods.slice(0, 2)).toMatchObject([
    { method: "katran-v2", options: { ring: 65537 } },
    { method: "katran-v2", options: { ring: 4099 } },
  ]);
  const fields = document.methods.flatMap(({ options }) => ("fields" in options ? [options.fields] : []));
  expect(fields.length).toBeGreaterThan(3);
  expect(new Set(fields)).toEqual(new Set(["src"]));
  expect(document.methods.length).toBeGreaterThan(12);
});

describe("captures", () => {
  test("what a capture shows: VIP, backends, connections, and the method in use there", async () => {
    const document = await documentOf(["hash", ...scenario("ipvs-nat-mh", "lb1-eth0", "lb1-eth1")]);
    expect(document).toMatchObject({ vip: "192.0.2.10:443", protocol: "tcp", source: "capture" });
    expect(document.backends.map(({ backend, weight }) => `${backend}=${weight}`)).toEqual([
      "10.3.0.11:8443=1",
      "10.3.0.12:8443=1",
      "10.3.0.13:8443=1",
    ]);
    // Linux's ip_vs_mh in a virtual machine, with the flag mh-port
    const { count } = document.keys!;
    expect(count).toBeGreaterThan(40);
    expect(document.recognised).toMatchObject({ method: "ipvs-mh port=true", known: count, same: count });
  });

  test("IPVS sh is recognised by clients' addresses, and that they are few is said", async () => {
    const { stdout } = await runCli([
      "hash",
      ...scenario("ipvs-dr-sh", "lb1-eth0", "rs1-eth0", "rs2-eth0", "rs3-eth0"),
    ]);
    expect(stdout.replaceAll(/\n {2}(?=\S)/g, " ")).toMatch(
      /^· captured connections went where ipvs-sh sends them: (\d+) of \1; of 8 clients only, which may be chance \(0\.\d+\)$/m,
    );
  });

  test("a topology file's weights are the capture's, and made-up connections can take the place of the captured", async () => {
    const path = join(folder, "weights.yaml");
    writeFileSync(
      path,
      `vips:
  - vip: 192.0.2.10:443
    backends: [{ backend: "10.3.0.11:8443", weight: 3 }, { backend: "10.3.0.12:8443" }]
`,
    );
    const captures = scenario("ipvs-nat-mh", "lb1-eth0", "lb1-eth1");
    const document = await documentOf(["hash", ...captures, "--topology", path, "--keys", "900", "--method", "glb"]);
    expect(document.backends.map(({ weight }) => weight)).toEqual([3, 1, 1]);
    expect(document.keys).toMatchObject({ source: "synthetic", count: 900 });
    const alone = await documentOf(["hash", "--topology", path, "--method", "ketama", "--keys", "900"]);
    expect(alone).toMatchObject({ source: "topology", vip: "192.0.2.10:443" });
    expect(alone.backends.map(({ weight }) => weight)).toEqual([3, 1]);
  });
});

test("what a balancer says of itself is enough, from stdin too", async () => {
  const rules = `-A -u 192.0.2.53:53 -s sh
-a -u 192.0.2.53:53 -r 10.3.0.11:53 -m -w 2
-a -u 192.0.2.53:53 -r 10.3.0.12:53 -m -w 1
`;
  const args = ["hash", "--import", "-", "--json", "--keys", "100", "--method", "ipvs-sh"];
  const { exitCode, stdout, stderr } = await runCli(args, { stdin: rules });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ vip: "192.0.2.53:53", protocol: "udp", backends: [{ weight: 2 }, {}] });
});

test("one connection explained", async () => {
  const args = [...TEN, "--explain", "10.1.0.7:40001", "--to", "192.0.2.99:80", "--method", "katran-v2"];
  const { exitCode, stdout } = await runCli(args);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^10\.1\.0\.7:40001 → 192\.0\.2\.99:80 tcp · 10 backends\n· goes to 10\.2\.0\.\d+:8080\n/);
  expect(stdout).toMatch(/slot \d+ of 65537/);
});

test("--list shows every method with its options", async () => {
  const { exitCode, stdout } = await runCli(["hash", "--list"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^ {2}katran-v2 +\S.*\n(?: +\S.*\n)* +ring=65537/m);
  expect(JSON.parse((await runCli(["hash", "--list", "--json"])).stdout).schema).toBe("l4scope.hash-methods/1");
});

test.each<[string[], string]>([
  [["hash"], "no backends: give --backend, --topology, --import or --capture (or --grow FROM..TO)"],
  [[...TEN, "--method", "katran"], "no method katran; did you mean katran-v1 or katran-v2?"],
  [[...TEN, "--option", "katran-v2.rign=3"], "katran-v2 has no option rign; did you mean ring?"],
  [[...TEN, "--method", "katran-v2:ring=100"], "katran-v2: ring 100: expected a prime, such as 65537"],
  [[...TEN, "--drain", "10.2.0.99:8080", "--method", "glb"], "no backend 10.2.0.99:8080; did you mean 10.2.0.19:8080"],
  [[...TEN, "--vip", "web"], "web: expected a VIP as ADDRESS:PORT, such as 192.0.2.10:443"],
  [
    [...TEN, "--explain", "10.1.0.7:40001"],
    "whom does it call? --to ADDRESS:PORT says which VIP; some methods hash it",
  ],
  [["hash", "--grow", "20..10"], "--grow 20..10: the second number must be the larger"],
  [["hash", "--capture", "/nowhere.pcap"], "cannot read /nowhere.pcap: no such file; check the name"],
  [
    ["hash", ...scenario("ipvs-nat-mh", "lb1-eth0", "lb1-eth1"), "--vip", "192.0.2.11:443"],
    "no VIP 192.0.2.11:443 in this capture; did you mean 192.0.2.10:443?",
  ],
])("%j is wrong usage", async (args, message) => {
  const { exitCode, stdout, stderr } = await runCli(args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr.startsWith(`l4scope hash: ${message}`), stderr).toBe(true);
  expect(stderr.match(/\n/g)).toHaveLength(1);
});

test("the examples of its help are lines that run", async () => {
  const help = (await runCli(["hash", "--help"])).stdout;
  const examples = [...help.matchAll(/^ {4}\$ l4scope (hash .*(?:\n {6}.*)*)/gm)].map(([, line]) =>
    line!.replace(/(?:\\|\s)+/g, " "),
  );
  expect(examples.length).toBeGreaterThan(4);
  for (const example of examples) {
    if (/lb1\.pcap|lb\.yaml/.test(example)) continue;
    const { exitCode, stderr } = await runCli(example.split(" "));
    expect({ example, exitCode, stderr }).toEqual({ example, exitCode: 0, stderr: "" });
  }
});
