import { describe, expect, test } from "vitest";
import Flows from "../../commands/flows.ts";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { matchesAddress, parseAddressMatch } from "../../src/report/flows/address-match.ts";
import { csvField } from "../../src/report/flows/flow-csv.ts";
import { FlowList } from "../../src/report/flows/flow-list.ts";
import type { LegFilter } from "../../src/report/flows/leg-filter.ts";
import { type Selection, SORT_KEYS } from "../../src/report/flows/leg-sort.ts";
import { OUTCOMES } from "../../src/report/survey/outcomes.ts";
import { createPage } from "../../src/report/text/page.ts";
import { connectionSchema } from "./analysis-schema.ts";
import { expectDescending, SORT_VALUE } from "./sorted.ts";
import { type Files, trackFiles } from "./track-files.ts";
import { bothArms, exchange, fates, VIP } from "./traffic.ts";

const ALL: Selection = { filter: {}, sort: "start", reverse: false, limit: Number.POSITIVE_INFINITY };

async function flowsOf(files: Files, selection: Partial<Selection> = {}): Promise<FlowList> {
  const { captures, timeBase } = await trackFiles(files);
  const flows = new FlowList(captures, timeBase);
  flows.select({ ...ALL, ...selection });
  return flows;
}

/** The connections of the document, as they are written. */
async function listed(files: Files, selection: Partial<Selection> = {}) {
  const document = JSON.parse(JSON.stringify((await flowsOf(files, selection)).document()));
  return connectionSchema.array().parse(document.connections);
}

describe("addresses to match", () => {
  test.each([
    ["192.0.2.10", ["192.0.2.10:443"], ["192.0.2.11:443", "[2001:db8::1]:443"]],
    ["192.0.2.0/24", ["192.0.2.255:1"], ["192.0.3.0:1"]],
    // a prefix with host bits set means its network
    ["192.0.2.77/25", ["192.0.2.127:1"], ["192.0.2.128:1"]],
    ["192.0.2.10:443", ["192.0.2.10:443"], ["192.0.2.10:444"]],
    ["10.0.0.0/8:53", ["10.9.9.9:53"], ["10.9.9.9:54", "11.0.0.0:53"]],
    ["0.0.0.0/0", ["255.255.255.255:1"], ["[2001:db8::1]:1", "[::]:1"]],
    ["2001:db8::1", ["[2001:db8::1]:1"], ["[2001:db8::2]:1"]],
    ["2001:DB8::/32", ["[2001:db8:ffff::]:1"], ["[2001:db9::]:1"]],
    ["2001:db8:8000::/33", ["[2001:db8:8000::]:1"], ["[2001:db8:7fff::]:1"]],
    ["::/0", ["[2001:db8::1]:1", "1.2.3.4:1"], []],
    ["[2001:db8::1]:443", ["[2001:db8::1]:443"], ["[2001:db8::1]:1"]],
    ["[2001:db8::]", ["[2001:db8::]:443"], ["[2001:db8::1]:443"]],
    ["[2001:db8::/32]:443", ["[2001:db8::9]:443"], ["[2001:db8::9]:442"]],
  ])("%s", async (text, meant, others) => {
    const match = parseAddressMatch(text);
    for (const [endpoints, expected] of [
      [meant, true],
      [others, false],
    ] as const) {
      for (const endpoint of endpoints) {
        const { words, port } = parseAddressMatch(endpoint);
        expect(matchesAddress(match, words, port ?? 0), endpoint).toBe(expected);
      }
    }
  });

  test.each([
    "",
    "lb1",
    "192.0.2",
    "192.0.2.256",
    "0x7f.1",
    "010.0.0.1",
    "192.0.2.0/33",
    "192.0.2.0/",
    "192.0.2.0/2/3",
    "192.0.2.1:65536",
    "192.0.2.1:",
    "2001:db8::/129",
    "2001:db8::1%eth0",
    "[2001:db8::1",
    "[192.0.2.1]:x",
    ":443",
    "1::2::3",
  ])("refuses %j in one line", (text) => {
    expect(() => parseAddressMatch(text)).toThrow(/^expected an address, a prefix or an endpoint \(.*\), got /);
  });
});

describe("filters", () => {
  test.each<[string, LegFilter, number]>([
    ["everything", {}, 20],
    ["a client", { client: [parseAddressMatch("10.1.0.1")] }, 3],
    ["two clients", { client: [parseAddressMatch("10.1.0.1"), parseAddressMatch("10.1.0.2")] }, 6],
    ["a client that only answers", { client: [parseAddressMatch("192.0.2.10")] }, 0],
    ["a VIP", { vip: [parseAddressMatch(VIP)] }, 9],
    ["a backend's network", { vip: [parseAddressMatch("10.2.0.0/16")] }, 9],
    ["a host on either side", { host: [parseAddressMatch("192.0.2.0/24")] }, 11],
    ["a port of either side", { port: [53] }, 2],
    ["a client's port", { port: [40_001] }, 2],
    ["a protocol", { protocol: "udp" }, 2],
    ["an outcome", { outcome: ["refused"] }, 2],
    ["outcomes", { outcome: ["refused", "timeout"] }, 4],
    ["a state", { state: ["S0"] }, 2],
    ["a point", { point: ["lb1:eth1"] }, 9],
    ["a node", { point: ["lb1"] }, 20],
    ["bytes", { minBytes: 4300 }, 4],
    ["resets", { withResets: true }, 10],
    ["retransmits", { withRetransmits: true }, 4],
    ["all at once", { vip: [parseAddressMatch(VIP)], withResets: true, outcome: ["reset"], protocol: "tcp" }, 4],
  ])("%s", async (_, filter, count) => {
    expect(await listed(bothArms(), { filter })).toHaveLength(count);
  });

  test("an observation point that there is not is refused with those that there are", async () => {
    const flows = await flowsOf(bothArms());
    expect(flows.objectionTo({ ...ALL, filter: { point: ["lb1", "lb2"] } })).toBe(
      "--point lb2: no such observation point; there are lb1:eth0, lb1:eth1",
    );
    expect(flows.objectionTo({ ...ALL, filter: { point: ["lb1"] } })).toBeNull();
  });
});

describe("sorting", () => {
  test.each(SORT_KEYS)("by %s, the largest first but for starts", async (sort) => {
    const values = (await listed(bothArms(), { sort })).map(SORT_VALUE[sort]);
    expect(values).toHaveLength(20);
    expectDescending(values);
  });

  test("the other way round, what has no value stays last", async () => {
    const handshakes = (await listed(bothArms(), { sort: "handshake", reverse: true })).map(
      ({ handshake }) => handshake,
    );
    const none = handshakes.indexOf(null);
    expect(none).toBeGreaterThan(0);
    expect(handshakes.slice(none).every((one) => one === null)).toBe(true);
  });

  test("the limit comes after, and ids stay", async () => {
    const [all, some] = [
      await listed(bothArms(), { sort: "bytes" }),
      await listed(bothArms(), { sort: "bytes", limit: 3 }),
    ];
    expect(some).toEqual(all.slice(0, 3));
  });

  test("the choices of the command are those of the code", () => {
    expect(Flows.flags.sort.options).toEqual(SORT_KEYS);
    expect(Flows.flags.outcome.options).toEqual(OUTCOMES);
    expect(connectionSchema.shape.connState.options.toSorted()).toEqual(
      [...(Flows.flags.state.options ?? [])].toSorted(),
    );
  });
});

describe("shapes", () => {
  const page = (width: number) => createPage(width, true, false);
  const files = () => ({ "lb1-eth0.pcap": inOrder(...Object.values(fates()).map((one) => one.packets())) });

  test.each([80, 140])("a table of %i columns", async (width) => {
    const table = (await flowsOf(files())).table(page(width));
    await expect(`${table}\n`).toMatchFileSnapshot(`golden/flows-${width}.txt`);
    for (const line of table.split("\n")) expect([...line].length).toBeLessThanOrEqual(width);
  });

  test("a table says of how many", async () => {
    const footer = async (selection: Partial<Selection>) =>
      (await flowsOf(files(), selection)).table(page(80)).split("\n").at(-1);
    expect(await footer({})).toBe("9 of 9 legs");
    expect(await footer({ filter: { outcome: ["ok"] }, limit: 2 })).toBe("2 of 3 matching, 9 legs in all");
    expect(await footer({ filter: { protocol: "udp" } })).toBe("no leg of 9 matches");
    expect(await footer({ limit: 0 })).toBe("0 of 9 legs");
    const none = await flowsOf({ "empty.pcap": [] });
    expect(none.table(page(80))).toBe("no TCP or UDP conversation in it");
  });

  test("CSV has the header and a line for each", async () => {
    const lines = [...(await flowsOf(files())).csv()].join("\n").split("\n");
    expect(lines).toHaveLength(10);
    expect(lines[0]).toMatch(/^id,protocol,client,vip,backend,observation_point,/);
    expect(lines[1]).toMatch(/^f1,tcp,10\.1\.0\.1:40001,192\.0\.2\.10:443,,lb1:eth0,,1767225600\.000000000,/);
    for (const line of lines) expect(line.split(",")).toHaveLength(lines[0]?.split(",").length ?? 0);
  });

  test("CSV of thousands comes in pieces that fit together", async () => {
    const many = Array.from({ length: 1203 }, (_, i) =>
      exchange(`10.1.${i >> 8}.${i & 255}:40001`, VIP, i / 1000).packets(),
    );
    const pieces = [...(await flowsOf({ "x.pcap": inOrder(...many) })).csv()];
    expect(pieces.length).toBeGreaterThan(1);
    const ids = pieces
      .join("\n")
      .split("\n")
      .slice(1)
      .map((line) => line.split(",")[0]);
    expect(ids).toEqual(Array.from({ length: 1203 }, (_, i) => `f${i + 1}`));
  });

  test("CSV quotes what RFC 4180 says", () => {
    expect(["plain", 'a "word"', "a,b", "a\nb", "a\rb", "", null, undefined, 0].map(csvField)).toEqual([
      "plain",
      '"a ""word"""',
      '"a,b"',
      '"a\nb"',
      '"a\rb"',
      "",
      "",
      "",
      "0",
    ]);
  });

  test("the document counts what is left out", async () => {
    const document = (await flowsOf(files(), { filter: { outcome: ["ok"] }, limit: 1 })).document();
    expect(document).toMatchObject({ schema: "l4scope.flows/1", total: 9, matched: 3 });
    expect(document.connections).toHaveLength(1);
  });

  test("a 4-tuple used twice is two legs", async () => {
    const again = tcpConversation({ client: "10.1.0.1:40001", server: VIP, start: 5, clientIsn: 77 }).handshake();
    const packets = inOrder(exchange("10.1.0.1:40001", VIP, 0).packets(), again.packets());
    expect((await listed({ "x.pcap": packets })).map(({ id, outcome }) => [id, outcome])).toEqual([
      ["f1", "ok"],
      ["f2", "open"],
    ]);
  });
});
