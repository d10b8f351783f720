import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inOrder, pcapFile } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { CLIENT, moved } from "../report/journeys.ts";
import { traceSchema } from "../report/trace-schema.ts";
import { exchange, VIP } from "../report/traffic.ts";
import { runCli } from "../support/run-process.ts";

let folder = "";
let captures: string[] = [];
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "l4scope-trace-"));
  const files = moved();
  captures = Object.keys(files).map(path);
  for (const [name, packets] of Object.entries(files)) writeFileSync(path(name), pcapFile(packets));
  const again = [0, 30, 60].map((start) => exchange("10.1.0.9:40009", VIP, start).packets());
  const v6 = tcpConversation({ client: "[2001:db8::21]:40821", server: "[2001:db8:ffff::10]:443", start: 5 })
    .handshake()
    .fin("up");
  writeFileSync(
    path("twice.pcap"),
    pcapFile(inOrder(...again, exchange("10.1.0.7:40007", VIP, 2).packets(), v6.packets())),
  );
  writeFileSync(path("empty.pcap"), pcapFile([]));
});
afterAll(() => rmSync(folder, { recursive: true }));

const trace = (...args: string[]) => runCli(["trace", ...args]);

describe("the ladder", () => {
  test("of a client's end, of an end behind the balancer and of an id is the same", async () => {
    const [byClient, byId] = await Promise.all([
      trace(...captures, "--flow", CLIENT),
      trace("--flow", "c0", ...captures),
    ]);
    expect(byClient).toMatchObject({ exitCode: 0, stderr: "" });
    expect(byId.stdout).toBe(byClient.stdout);
    const lines = byClient.stdout.split("\n");
    expect(lines[0]).toBe("c0 tcp 10.1.0.21:40821 → 192.0.2.10:443 → 10.3.0.12:8443 · dnat");
    expect(byClient.stdout.replaceAll(/[\s│┊]+/g, " ")).toContain("moved from lb1 to lb3, which never saw its SYN");
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  });

  test("in ASCII, and with every packet", async () => {
    const [ascii, full] = await Promise.all([
      trace(...captures, "--flow", "c0", "--ascii"),
      trace(...captures, "--flow", "c0", "--full"),
    ]);
    expect(ascii.stdout).toMatch(/^[\x20-\x7e\n]+$/);
    const rows = (text: string) => text.split("\n").filter((line) => /^\d+\.\d{6} /.test(line)).length;
    expect(rows(full.stdout)).toBeGreaterThan(rows(ascii.stdout));
  });

  test("--json is the document alone", async () => {
    const { exitCode, stdout, stderr } = await trace(...captures, "--flow", "c0", "--json");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const document = traceSchema.parse(JSON.parse(stdout));
    expect(document.events.at(-1)).toMatchObject({ kind: "reset", direction: "down" });
    expect(document.nodes[document.events.at(-1)?.beginsAt ?? -1]?.name).toBe("lb3");
  });

  test("IPv6 in brackets", async () => {
    const { exitCode, stdout } = await trace(path("twice.pcap"), "--flow", "[2001:db8::21]:40821");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^c\d tcp \[2001:db8::21\]:40821 → \[2001:db8:ffff::10\]:443/);
  });
});

describe("--pcap", () => {
  test("writes the connection, which reads like any capture", async () => {
    const slice = path("slice.pcapng");
    const { exitCode, stderr } = await trace(...captures, "--flow", "c0", "--pcap", slice);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const [whole, cut] = await Promise.all([
      trace(...captures, "--flow", CLIENT, "--json"),
      trace(slice, "--flow", CLIENT, "--json"),
    ]);
    const kinds = (stdout: string) =>
      traceSchema.parse(JSON.parse(stdout)).events.map(({ kind, length }) => `${kind} ${length}`);
    expect(kinds(cut.stdout)).toEqual(kinds(whole.stdout));
  });

  test("that cannot be written is told in a line", async () => {
    const { exitCode, stdout, stderr } = await trace(...captures, "--flow", "c0", "--pcap", path("no/folder.pcapng"));
    expect({ stdout, lines: stderr.trimEnd().split("\n").length }).toEqual({ stdout: "", lines: 1 });
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toContain("no/folder.pcapng");
  });
});

describe("what there is not to draw is told in a line, exit code 2", () => {
  test.each([
    [
      "no such client, the nearest named",
      ["twice.pcap", "--flow", "10.1.0.9:40010"],
      /no connection of 10\.1\.0\.9:40010 in these captures; the nearest are 10\.1\.0\.9:40009, /,
    ],
    [
      "a VIP",
      ["twice.pcap", "--flow", VIP],
      /192\.0\.2\.10:443 is a VIP of 4 connections, not a client; give a client's end such as 10\.1\.0\.9:40009/,
    ],
    [
      "several",
      ["twice.pcap", "--flow", "10.1.0.9:40009"],
      /10\.1\.0\.9:40009 has 3 connections; choose with --nth or by id: 1: c0 at 1767225600\.0\S+ 10\.1\.0\.9:40009 to 192\.0\.2\.10:443 ok, 2: c\d /,
    ],
    [
      "an nth that there is not",
      ["twice.pcap", "--flow", "10.1.0.9:40009", "--nth", "4"],
      /--nth 4: 10\.1\.0\.9:40009 has 3 connections here/,
    ],
    ["an id that there is not", ["twice.pcap", "--flow", "c99"], /there is no c99: the captures hold c0 to c4/],
    ["an empty capture", ["empty.pcap", "--flow", "c0"], /hold no TCP or UDP connection/],
    [
      "no end at all",
      ["twice.pcap", "--flow", "lb1"],
      /--flow: expected a client's IP:PORT, \[IPV6\]:PORT or a connection's id such as c17, got lb1/,
    ],
    ["a prefix", ["twice.pcap", "--flow", "10.1.0.0/24"], /expected a client's IP:PORT/],
    ["no flow", ["twice.pcap"], /Missing required flag --?flow|missing.*flow/i],
  ])("%s", async (_, [capture = "", ...args], message) => {
    const { exitCode, stdout, stderr } = await trace(path(capture), ...args);
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^l4scope trace: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  test("stdin, which cannot be read twice", async () => {
    const { exitCode, stdout, stderr } = await runCli(["trace", "-", "--flow", "c0"], { stdin: "" });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toBe("l4scope trace: - can be read only once, and trace reads twice; write it to a file first\n");
  });

  test("a capture that is not there", async () => {
    const { exitCode, stderr } = await trace(path("nope.pcap"), "--flow", "c0");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^l4scope trace: cannot read [^\n]*nope\.pcap: no such file; check the name\n$/);
  });
});

test("--nth chooses among several, an address alone is enough where it has one", async () => {
  const [second, alone] = await Promise.all([
    trace(path("twice.pcap"), "--flow", "10.1.0.9:40009", "--nth", "2"),
    trace(path("twice.pcap"), "--flow", "10.1.0.7"),
  ]);
  expect(second.stdout).toMatch(/^2026-01-01 00:00:30\.0/m);
  expect(alone.stdout).toMatch(/^c1 tcp 10\.1\.0\.7:40007 → /);
});

describe("--topology and --import", () => {
  const write = (name: string, text: string) => {
    writeFileSync(path(name), text);
    return path(name);
  };

  test("name nodes by their points, and who is at an end that nobody captured", async () => {
    const file = write(
      "nodes.yaml",
      `nodes:
  - { name: edge-1, role: lb, observationPoints: ["lb1:eth0", "lb1:eth1"] }
  - { name: laptop, role: client, addresses: [10.1.0.21] }
  - { name: shop-12, role: backend, addresses: [10.3.0.12] }
`,
    );
    const balancers = captures.filter((name) => /lb\d-/.test(name));
    const { exitCode, stdout, stderr } = await trace(...balancers, "--flow", "c0", "--topology", file, "--json");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { nodes } = traceSchema.parse(JSON.parse(stdout));
    expect(nodes.map(({ name, role }) => `${name} ${role}`)).toEqual([
      "laptop client",
      "edge-1 lb",
      "lb3 lb",
      "shop-12 backend",
    ]);
  });

  test("an import gives the backend that packets do not show", async () => {
    const table = write(
      "conntrack",
      "tcp 6 431 ESTABLISHED src=10.1.0.9 dst=192.0.2.10 sport=40009 dport=443 src=10.3.0.12 dst=10.1.0.9 sport=8443 dport=40009 [ASSURED] mark=0 use=1\n",
    );
    const args = [path("twice.pcap"), "--flow", "10.1.0.9:40009", "--nth", "1"];
    const [without, given] = await Promise.all([trace(...args), trace(...args, "--import", table)]);
    expect(without.stdout.split("\n")[0]).toMatch(/^c0 tcp 10\.1\.0\.9:40009 → 192\.0\.2\.10:443 ·/);
    expect(given.stdout.split("\n")[0]).toMatch(
      /^c0 tcp 10\.1\.0\.9:40009 → 192\.0\.2\.10:443 → 10\.3\.0\.12:8443 · dnat/,
    );
  });

  test("what packets contradict is told, and a file with mistakes stops the run", async () => {
    const file = write("wrong-mode.yaml", 'vips:\n  - { vip: "192.0.2.10:443", mode: proxy }\n');
    const { exitCode, stderr } = await trace(...captures, "--flow", "c0", "--topology", file);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("l4scope trace: warning: 192.0.2.10:443 is given as proxy, but its packets show dnat\n");
    const broken = await trace(...captures, "--flow", "c0", "--topology", write("broken.yaml", "vip: []\n"));
    expect(broken).toMatchObject({ exitCode: 2, stdout: "" });
    expect(broken.stderr).toMatch(/^l4scope trace: \S+broken\.yaml:1:1: [^\n]+\n$/);
  });
});
