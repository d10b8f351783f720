import { describe, expect, test } from "vitest";
import { at, inOrder } from "../../fixtures/packets/capture-file.ts";
import { packet } from "../../fixtures/packets/packet.ts";
import { pcapngFile } from "../../fixtures/packets/pcapng-file.ts";
import { analysisText } from "../../src/report/text/analysis-text.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";
import { analyseFiles, type Files } from "./track-files.ts";
import { bothArms, exchange, VIP } from "./traffic.ts";

const textOf = async (files: Files, width = 80, full = false, colours = false) =>
  `${analysisText(await analyseFiles(files), createPage(width, full, colours))}\n`;

describe("both arms of a balancer", () => {
  test.each([80, 140])("at %i columns", async (width) => {
    const text = await textOf(bothArms(), width);
    await expect(text).toMatchFileSnapshot(`golden/analyze-${width}.txt`);
  });

  test.each([72, 80, 100, 140, 200])("fits %i columns", async (width) => {
    for (const line of (await textOf(bothArms(), width)).split("\n")) {
      expect(columnsOf(line), line).toBeLessThanOrEqual(width);
    }
  });

  test("says with colours what it says without", async () => {
    const coloured = await textOf(bothArms(), 80, false, true);
    expect(coloured).toContain("\u001b[31m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(await textOf(bothArms()));
  });
});

describe("one point", () => {
  const calls = (count: number) =>
    inOrder(
      ...Array.from({ length: count }, (_, i) =>
        exchange(`10.1.0.${1 + (i % 40)}:${40001 + i}`, VIP, i / 50).packets(),
      ),
    );

  test("where all is well, in a line", async () => {
    const text = await textOf({ "lb1.pcap": calls(12) });
    await expect(text).toMatchFileSnapshot("golden/analyze-well.txt");
    expect(text).toMatch(/^✓ no leg was refused, reset or timed out: all ended in order$/m);
  });

  test("--full leaves no row out", async () => {
    const many = Array.from({ length: 15 }, (_, i) =>
      [1, 2].map((c) => exchange(`10.1.0.${c}:4${i}01`, `192.0.2.${i + 1}:80`, i).packets()),
    );
    const files = { "lb1.pcap": inOrder(...many.flat()) };
    expect(await textOf(files)).toContain("… 3 more rows: --full");
    const full = await textOf(files, 80, true);
    expect(full).not.toContain("--full");
    for (let i = 1; i <= 15; i++) expect(full).toContain(`192.0.2.${i}:80 `);
  });
});

test("nothing to tell is said", async () => {
  expect(await textOf({ "empty.pcap": [] })).toBe(
    [
      "0 legs · 0 packets, 0 B · 0 points in 1 file",
      "",
      "! no TCP or UDP conversation in it",
      "",
      "Captures",
      "  file        format  packets  bytes  begins  ends  points",
      "  empty.pcap  pcap          0    0 B       -     -",
      "",
    ].join("\n"),
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

test("what was seen in one direction only is told", async () => {
  const up = exchange("10.1.0.1:40001", VIP, 0)
    .leg()
    .filter(({ direction }) => direction === "up");
  expect(await textOf({ "lb1.pcap": up.packets() })).toMatch(/ {2}1 leg passed in one direction only, so that how/);
});

test("names out of a capture cannot move the cursor or forge lines", async () => {
  const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
  const text = await textOf({
    "x.pcapng": pcapngFile({ interfaces: [{ name: "eth\u001b[2J0\n✗ forged\u202e" }], packets }),
  });
  for (const forbidden of ["\u001b", "\u202e", "\n✗"]) expect(text).not.toContain(forbidden);
  expect(text).toMatch(/eth.\[2J0.✗ forged\u{fffd}/u);
});

test("commands to run next are quoted for a shell", async () => {
  const packets = exchange("10.1.0.1:40001", VIP, 0).packets();
  const text = await textOf({ "it's lb1 (old).pcap": packets });
  expect(text).toContain(`l4scope flows 'it'\\''s lb1 (old).pcap' --sort bytes --limit 20`);
});
