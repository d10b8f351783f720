import { describe, expect, test } from "vitest";
import { at, inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { analysisText } from "../../src/report/text/analysis-text.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";
import { analyseFiles, type Files } from "./track-files.ts";
import { bothArms, exchange, refusingBackend, VIP } from "./traffic.ts";

const textOf = async (files: Files, width = 80, full = false, colours = false) =>
  `${analysisText(await analyseFiles(files), createPage(width, full, colours))}\n`;

describe("a backend that refuses", () => {
  test("is the first thing said, with where, since when, frames, a filter and what to do", async () => {
    const lines = (await textOf(refusingBackend())).split("\n");
    const verdict = lines.findIndex((line) => line.startsWith("✗"));
    expect(verdict).toBeLessThanOrEqual(4);
    expect(lines[verdict]).toMatch(/^✗ 10\.2\.0\.12:8443 refuses connections: 10 of 10 \(100%\)/);
    const text = lines.join("\n");
    expect(text).toContain("where       VIP 192.0.2.10:443 · backend 10.2.0.12:8443");
    expect(text).toMatch(/ {4}since {7}\S/);
    expect(text).toMatch(/ {4}evidence {4}lb1-eth1\.pcap #\d+ a reset answers the SYN/);
    expect(text).toMatch(/ {4}see it {6}tcp\.flags\.reset==1/);
    expect(text).toMatch(/ {4}remedy {6}\S/);
    expect(text).toMatch(/^✓ nothing else: \d+ checks were silent · --full shows all$/m);
  });

  test("has a table of its VIP, with what each backend did", async () => {
    const text = await textOf(refusingBackend());
    expect(text).toMatch(/^192\.0\.2\.10:443 dnat/m);
    expect(text).toMatch(/^ {2}10\.2\.0\.11:8443 +10 +50\.0% +0 /m);
    expect(text).toMatch(/^ {2}10\.2\.0\.12:8443 +10 +50\.0% +10 /m);
    expect(text).toMatch(/resets [▁▂▃▄▅▆▇█]+$/m);
  });

  test("can be traced by the command that is proposed, with the captures that saw it", async () => {
    const text = (await textOf({ ...refusingBackend(), "other.pcap": [] })).replaceAll("\\\n", "");
    const [, command = ""] = /^ {2}l4scope (trace .*)$/m.exec(text) ?? [];
    expect(command.split(/\s+/)).toEqual([
      "trace",
      "lb1-eth0.pcap",
      "lb1-eth1.pcap",
      "--flow",
      expect.stringMatching(/^10\.1\.0\.\d+:\d+$/),
    ]);
    expect(text).toContain("l4scope explain backend.refusing");
  });

  test.each([80, 120, 140])("with --full at %i columns it draws charts and marks the time", async (width) => {
    const text = await textOf(refusingBackend(), width, true);
    expect(text).toContain("new connections per second");
    expect(text).toContain("resets and refusals per second");
    expect(text).toMatch(/^ +▲+/m);
    expect(text).toContain("Called by many");
    expect(text).not.toContain("--full");
  });

  test("what is left out as asked is told", async () => {
    const ignoring = await analyseFiles(refusingBackend(), { ignore: ["backend.*"] });
    expect(ignoring.findings.filter(({ id }) => id.startsWith("backend."))).toEqual([]);
    const text = analysisText(ignoring, createPage(200, false, false));
    // those that it refused are accounted for
    expect(text).toMatch(/^✓ nothing else wrong with \d+ connections: .* · ignored as asked: backend\.refusing · /m);
    const other = await analyseFiles(refusingBackend(), { only: ["path.*"] });
    expect(analysisText(other, createPage(200, false, false))).toMatch(
      /^✓ nothing of what was asked for is wrong with .* · not asked for: backend\.refusing/m,
    );
  });
});

describe("every page", () => {
  test.each([72, 80, 100, 140, 200])("fits %i columns", async (width) => {
    for (const files of [bothArms(), refusingBackend()]) {
      for (const full of [false, true]) {
        for (const line of (await textOf(files, width, full)).split("\n")) {
          expect(columnsOf(line), line).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  test("says with colours what it says without", async () => {
    const coloured = await textOf(refusingBackend(), 80, false, true);
    expect(coloured).toContain("\u001b[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(await textOf(refusingBackend()));
  });
});

describe("where nothing is wrong", () => {
  const calls = (count: number) =>
    inOrder(
      ...Array.from({ length: count }, (_, i) =>
        exchange(`10.1.0.${1 + (i % 40)}:${40001 + i}`, VIP, i / 50).packets(),
      ),
    );

  test("one line says so, and what could not be seen", async () => {
    const text = await textOf({ "lb1.pcap": calls(12) });
    expect(text).toMatch(/^✓ nothing wrong with 12 connections: \d+ checks were silent · --full shows all$/m);
    expect(text.replaceAll("\n  ", " ")).toContain("? not seen: the backend side of 192.0.2.10:443 was not captured");
    expect(text).not.toContain("✗");
  });

  test("what failed without a cause is not called well", async () => {
    const text = await textOf(bothArms());
    expect(text).toMatch(/^! no cause stands out, though 5 of 11 connections did not end well/m);
    expect(text.replaceAll("\n  ", " ")).toContain("(1 refused, 3 reset, 1 timeout)");
  });

  test("answers that do not pass the points are told", async () => {
    const oneWay = (client: string, start: number) =>
      tcpConversation({ client, server: VIP, start, rtt: 0.002 })
        .handshake()
        .send("up", 300)
        .send("down", 4000)
        .leg()
        .filter(({ direction }) => direction === "up")
        .packets();
    const packets = inOrder(oneWay("10.1.0.1:40001", 0), oneWay("10.1.0.2:40002", 1));
    expect((await textOf({ "lb1.pcap": packets })).replaceAll("\n  ", " ")).toContain(
      "no answers to 2 of 2 connections",
    );
  });
});

test("nothing to tell is said", async () => {
  expect(await textOf({ "empty.pcap": [] })).toBe(
    ["0 connections · 0 packets from 0 points", "", "! no TCP or UDP conversation in it", ""].join("\n"),
  );
  const arp = packet()
    .ethernet()
    .arp({ operation: "request", senderMac: "02:00:00:00:00:01", senderIp: "10.0.0.1", targetIp: "10.0.0.2" });
  expect(await textOf({ "arp.pcap": [at(0, arp)] })).toContain("! no TCP or UDP conversation in it");
});

test("problems of a capture stand under the verdict", async () => {
  const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
  const statistics = { received: 9n, dropped: 1234n };
  const text = await textOf({ "lb1.pcapng": pcapngFile({ interfaces: [{ name: "eth0", statistics }], packets }) });
  expect(text).toContain("! lb1.pcapng: the capture says that it lost 1,234 packets: gaps and one-sided");
});

test("names out of a capture cannot move the cursor or forge lines", async () => {
  const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
  const capture = pcapngFile({ interfaces: [{ name: "eth\u001b[2J0\n✗ forged\u202e" }], packets });
  const text = await textOf({ "x.pcapng": capture }, 80, true);
  for (const forbidden of ["\u001b", "\u202e", "\n✗"]) expect(text).not.toContain(forbidden);
  expect(text).toMatch(/eth.\[2J0.✗ forged\u{fffd}/u);
});

test("commands to run next are quoted for a shell", async () => {
  const { "lb1-eth0.pcap": front = [], "lb1-eth1.pcap": back = [] } = refusingBackend();
  const text = await textOf({ "it's lb1 (old)-eth0.pcap": front, "lb1-eth1.pcap": back });
  expect(text).toContain(`'it'\\''s lb1 (old)-eth0.pcap'`);
});

test("where only the capture is at fault, the connections are called well first", async () => {
  const legs = Array.from({ length: 24 }, (_, i) => {
    const call = exchange(`10.1.0.${1 + (i % 6)}:${42001 + i}`, VIP, i / 10);
    return { call, server: i % 2 === 0 ? "10.2.0.11:8443" : "10.2.0.12:8443" };
  });
  const analysis = await analyseFiles({
    "lb1-eth0.pcap": inOrder(...legs.map(({ call }) => requestsOf(call.leg()))),
    "lb1-eth1.pcap": inOrder(...legs.map(({ call, server }) => requestsOf(call.viaNat({ server })))),
  });
  expect(analysis.findings.map(({ id }) => id)).toEqual(["capture.one-sided"]);
  const lines = analysisText(analysis, createPage(80, false, false)).split("\n");
  const well = lines.findIndex((line) => line.startsWith("✓ nothing wrong with 24 connections"));
  expect(well).toBeGreaterThan(0);
  expect(lines.findIndex((line) => line.startsWith("! "))).toBeGreaterThan(well);
});

function requestsOf(leg: ReturnType<ReturnType<typeof exchange>["leg"]>) {
  return leg.filter(({ direction }) => direction === "up").packets();
}
