import { describe, expect, test } from "vitest";
import { inOrder } from "../../fixtures/packets/capture-file.ts";
import { tcpConversation } from "../../fixtures/packets/conversation.ts";
import { parseAddressMatch } from "../../src/report/flows/address-match.ts";
import { ConnectionList, type ConnectionSelection } from "../../src/report/flows/connection-list.ts";
import { SORT_KEYS } from "../../src/report/flows/leg-sort.ts";
import { createPage } from "../../src/report/text/page.ts";
import { connectionSchema } from "./analysis-schema.ts";
import { moved } from "./journeys.ts";
import { expectDescending, SORT_VALUE } from "./sorted.ts";
import { analyseFiles, type Files } from "./track-files.ts";
import { bothArms, exchange, VIP } from "./traffic.ts";

const ALL: ConnectionSelection = { filter: {}, sort: "start", reverse: false, limit: Number.POSITIVE_INFINITY };
const address = (...texts: string[]) => texts.map(parseAddressMatch);

async function listOf(files: Files, selection: Partial<ConnectionSelection> = {}): Promise<ConnectionList> {
  const list = new ConnectionList(await analyseFiles(files));
  list.select({ ...ALL, ...selection });
  return list;
}

/** The connections of the document, as they are written. */
async function listed(files: Files, selection: Partial<ConnectionSelection> = {}) {
  const document = JSON.parse(JSON.stringify((await listOf(files, selection)).document()));
  return connectionSchema.array().parse(document.connections);
}

const movedFiles = () => Object.fromEntries(Object.entries(moved()));

describe("filters", () => {
  test.each<[string, ConnectionSelection["filter"], number]>([
    ["everything", {}, 11],
    ["a client", { client: address("10.1.0.1") }, 2],
    ["a VIP", { vip: address(VIP) }, 9],
    ["a backend", { backend: address("10.2.0.11:8443") }, 5],
    ["backends", { backend: address("10.2.0.0/16") }, 9],
    ["a backend as VIP", { vip: address("10.2.0.11:8443") }, 0],
    ["a backend as host", { host: address("10.2.0.12") }, 4],
    ["a backend's port", { port: [8443] }, 9],
    ["a client's port", { port: [40_001] }, 1],
    ["a protocol", { protocol: "udp" }, 2],
    ["an outcome", { outcome: ["refused"] }, 1],
    ["a node", { node: ["lb1"] }, 11],
    ["a point", { point: ["lb1:eth1"] }, 9],
    ["retransmits", { withRetransmits: true }, 2],
    ["bytes", { minBytes: 4300 }, 2],
    ["a VIP and its backend", { vip: address(VIP), backend: address("10.2.0.12") }, 4],
  ])("%s", async (_, filter, count) => {
    expect(await listed(bothArms(), { filter })).toHaveLength(count);
  });

  test("what a finding is about, and nothing else", async () => {
    const analysis = await analyseFiles(bothArms());
    const [finding] = analysis.findings.filter(({ connections }) => connections.length > 0);
    expect(finding).toBeDefined();
    const list = new ConnectionList(analysis);
    list.select({ ...ALL, filter: { finding: [finding?.id ?? ""] } });
    expect(list.chosen.map(({ id }) => id)).toEqual([...new Set(finding?.connections)].toSorted((a, b) => a - b));
  });

  test("names that there are not are refused with those that there are", async () => {
    const list = await listOf(bothArms());
    const objection = (filter: ConnectionSelection["filter"]) => list.objectionTo({ ...ALL, filter });
    expect(objection({ node: ["lb1", "lb2"] })).toBe("--node lb2: no such node; there are lb1");
    expect(objection({ point: ["lb2"] })).toBe("--point lb2: no such observation point; there are lb1:eth0, lb1:eth1");
    expect(objection({ finding: ["lb.nothing"] })).toBe(
      "--finding lb.nothing: no such finding; l4scope explain lists them",
    );
    expect(objection({ node: ["lb1"], point: ["lb1:eth0"], finding: ["lb.*"] })).toBeNull();
  });

  test("only clients' own, where a balancer checks its backends", async () => {
    const checks = Array.from({ length: 6 }, (_, i) =>
      tcpConversation({ client: `10.2.0.1:${50_000 + i}`, server: "10.2.0.11:8443", start: i * 2 })
        .handshake()
        .rst("up"),
    );
    const calls = Array.from({ length: 6 }, (_, i) => exchange(`10.1.0.${i + 1}:40001`, VIP, 0.3 + i * 1.7));
    const files = {
      "lb1-eth0.pcap": inOrder(...calls.map((one) => one.packets())),
      "lb1-eth1.pcap": inOrder(
        ...calls.map((one) => one.viaNat({ server: "10.2.0.11:8443" }).packets()),
        ...checks.map((one) => one.packets()),
      ),
    };
    expect(await listed(files)).toHaveLength(12);
    const clients = await listed(files, { filter: { clientsOnly: true } });
    expect(clients.map(({ vip }) => vip)).toEqual(Array.from({ length: 6 }, () => VIP));
  });
});

describe("sorting", () => {
  test.each(SORT_KEYS)("by %s, the largest first but for starts", async (sort) => {
    const values = (await listed(bothArms(), { sort })).map(SORT_VALUE[sort]);
    expect(values).toHaveLength(11);
    expectDescending(values);
  });

  test("the limit comes after, and ids stay", async () => {
    const [all, some] = [
      await listed(bothArms(), { sort: "bytes", reverse: true }),
      await listed(bothArms(), { sort: "bytes", reverse: true, limit: 3 }),
    ];
    expect(some).toEqual(all.slice(0, 3));
  });
});

describe("shapes", () => {
  const page = (width: number) => createPage(width, true, false);

  test.each([80, 160])("a table of %i columns", async (width) => {
    const table = (await listOf(movedFiles())).table(page(width));
    await expect(`${table}\n`).toMatchFileSnapshot(`golden/connections-${width}.txt`);
    for (const line of table.split("\n")) expect([...line].length).toBeLessThanOrEqual(width);
  });

  test("a table says of how many", async () => {
    const footer = async (selection: Partial<ConnectionSelection>) =>
      (await listOf(movedFiles(), selection)).table(page(80)).split("\n").at(-1);
    expect(await footer({})).toBe("2 of 2 connections");
    expect(await footer({ limit: 1 })).toBe("1 of 2 matching, 2 connections in all");
    expect(await footer({ filter: { protocol: "udp" } })).toBe("no connection of 2 matches");
    expect(await footer({ limit: 0 })).toBe("0 of 2 connections");
  });

  test("CSV has a line for each, and what only a whole way shows", async () => {
    const [header = "", ...lines] = [...(await listOf(movedFiles())).csv()].join("\n").split("\n");
    const names = header.split(",");
    expect(lines).toHaveLength(2);
    const first = Object.fromEntries(names.map((name, i) => [name, lines[0]?.split(",")[i]]));
    expect(first).toMatchObject({
      id: "c0",
      client: "10.1.0.21:40821",
      backend: "10.3.0.12:8443",
      mode: "dnat",
      outcome: "reset",
      reset_by: "lb",
      reset_cause: "no-state",
    });
    expect(first.path_up).toContain("lb3");
  });

  test("the document says what it lists, and counts what is left out", async () => {
    const document = (await listOf(bothArms(), { filter: { outcome: ["ok"] }, limit: 1 })).document();
    expect(document).toMatchObject({ schema: "l4scope.flows/1", of: "connections", total: 11 });
    expect(document.matched).toBeGreaterThan(1);
    expect(document.connections).toHaveLength(1);
  });
});
