import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { tierName, tiersOf } from "../../src/live/tiers.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import { parseAddressMatch } from "../../src/report/flows/address-match.ts";
import { ConnectionList, type ConnectionSelection } from "../../src/report/flows/connection-list.ts";
import { SORT_KEYS, type SortKey } from "../../src/report/flows/leg-sort.ts";
import { createPage } from "../../src/report/text/page.ts";
import { questionNamed } from "../../src/store/questions/questions.ts";
import { storeAnalysis } from "../../src/store/store-analysis.ts";
import { StoredConnectionList } from "../../src/store/stored-list.ts";
import { reading, withStore } from "./store-folder.ts";

const ALL: ConnectionSelection = { filter: {}, sort: "start", reverse: false, limit: Number.POSITIVE_INFINITY };
const WHOLE = { window: null, run: null };
const BY = { version: "1.2.3", host: "here" };

async function analysisOfScenario(name: string): Promise<Analysis> {
  const folder = `fixtures/scenarios/${name}`;
  const captures = readdirSync(folder).filter((file) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(file));
  const paths = captures.map((file) => `${folder}/${file}`);
  return analysisOf(await analyzeCaptures(paths, { timeBase: new TimeBase() }));
}

/** What both lists print of the same selection. */
async function bothLists<T>(
  analysis: Analysis,
  selection: Partial<ConnectionSelection>,
  of: (list: Pick<ConnectionList, "document" | "csv" | "table">) => T,
): Promise<[T, T]> {
  const captured = new ConnectionList(analysis);
  captured.select({ ...ALL, ...selection });
  const stored = await withStore(async (path) => {
    await storeAnalysis(path, analysis, BY);
    return reading(path, (reader) => {
      const list = new StoredConnectionList(reader);
      list.select({ ...ALL, ...WHOLE, ...selection });
      return of(list);
    });
  });
  return [of(captured), stored];
}

describe("connections come out of a store as they came out of captures", () => {
  test.each([
    "dnat-rr",
    "dnat-ipv6",
    "fullnat-rr",
    "haproxy-tcp",
    "haproxy-6-to-4",
    "l2-dsr",
    "ipip-dsr",
    "gue-dsr",
    "ecmp-rehash",
    "dnat-backend-refusing",
    "capture-any-nanoseconds",
    "capture-truncated",
  ])("%s", async (name) => {
    const [captured, stored] = await bothLists(await analysisOfScenario(name), {}, (list) => ({
      document: JSON.parse(JSON.stringify(list.document())),
      csv: [...list.csv()].join("\n"),
    }));
    expect(captured.document.connections.length).toBeGreaterThan(10);
    expect(stored.document).toEqual(captured.document);
    expect(stored.csv).toBe(captured.csv);
  });
});

describe("filters and orders let the same through", async () => {
  const analysis = await analysisOfScenario("fullnat-rr");
  const [some] = analysis.subject.users;
  if (some?.backend === undefined || some.backend === null) throw new Error("no backend");
  const client = analysis.subject.text(some.client);
  const backend = analysis.subject.text(some.backend);
  const address = (...texts: string[]) => texts.map(parseAddressMatch);
  const ids = (list: Pick<ConnectionList, "document">) => {
    const { matched, total, connections } = list.document();
    return { matched, total, ids: connections.map((one) => one.toJSON().id) };
  };

  const FILTERS: [string, ConnectionSelection["filter"]][] = [
    ["everything", {}],
    ["a client", { client: address(client) }],
    ["a client's address", { client: address(client.split(":")[0] ?? "") }],
    ["clients' network", { client: address("10.1.0.0/24") }],
    ["a VIP", { vip: address(analysis.subject.text(some.vip)) }],
    ["a VIP of any port", { vip: address(analysis.subject.text(some.vip).split(":")[0] ?? "") }],
    ["a backend", { backend: address(backend) }],
    ["backends", { backend: address("10.0.0.0/8") }],
    ["a host", { host: address(backend.split(":")[0] ?? "") }],
    ["a client's port", { port: [Number(client.split(":")[1])] }],
    ["a backend's port", { port: [Number(backend.split(":")[1])] }],
    ["a protocol", { protocol: "udp" }],
    ["an outcome", { outcome: ["ok"] }],
    ["outcomes", { outcome: ["reset", "open"] }],
    ["a state", { state: ["SF"] }],
    ["clients", { clientsOnly: true }],
    ["retransmits", { withRetransmits: true }],
    ["bytes", { minBytes: 2000 }],
    ["a node", { node: ["lb1"] }],
    ["a finding", { finding: ["*"] }],
    ["two at once", { backend: address(backend), outcome: ["ok"], minBytes: 500 }],
  ];
  test.each(FILTERS)("%s", async (_, filter) => {
    const [captured, stored] = await bothLists(analysis, { filter }, ids);
    expect(stored).toEqual(captured);
  });

  const ORDERS = SORT_KEYS.flatMap((sort) => [false, true].map((reverse): [SortKey, boolean] => [sort, reverse]));
  test.each(ORDERS)("sorted by %s, the other way round: %s", async (sort, reverse) => {
    const [captured, stored] = await bothLists(analysis, { sort, reverse, limit: 40 }, ids);
    expect(stored.ids).toHaveLength(40);
    expect(stored).toEqual(captured);
  });

  test("tables differ in how they tell starts alone", async () => {
    const page = createPage(Number.POSITIVE_INFINITY, true, false);
    const [captured, stored] = await bothLists(analysis, { limit: 20 }, (list) => list.table(page).split("\n"));
    const withoutStart = (line: string) => line.trim().split(/ {2,}/).toSpliced(1, 1).join(" ");
    expect(stored.map(withoutStart)).toEqual(captured.map(withoutStart));
    expect(stored[1]).toMatch(/ 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /);
  });

  test("names that there are not are refused with those that there are", async () => {
    await withStore(async (path) => {
      await storeAnalysis(path, analysis, BY);
      await reading(path, (reader) => {
        const list = new StoredConnectionList(reader);
        const objection = (filter: ConnectionSelection["filter"], run: number | null = null) =>
          list.objectionTo({ ...ALL, window: null, filter, run });
        expect(objection({ node: ["lb9"] })).toMatch(/^--node lb9: no such node; there are .*lb1/);
        expect(objection({ point: ["lb9"] })).toMatch(/^--point lb9: no such observation point; there are .*lb1:/);
        expect(objection({ finding: ["lb.nothing"] })).toMatch(/^--finding lb.nothing: no such finding/);
        expect(objection({}, 7)).toBe("--run 7: no such run; there are 1");
        expect(objection({ node: ["lb1"] }, 1)).toBeNull();
      });
    });
  });
});

describe("a store of several runs", () => {
  test("tells their connections apart", async () => {
    const analysis = await analysisOfScenario("dnat-rr");
    await withStore(async (path) => {
      await storeAnalysis(path, analysis, BY);
      await storeAnalysis(path, analysis, BY);
      await reading(path, (reader) => {
        const list = new StoredConnectionList(reader);
        const total = analysis.subject.connections.length;
        list.select({ ...ALL, ...WHOLE });
        expect(list.document()).toMatchObject({ total: 2 * total, matched: 2 * total });
        const ids = list.document().connections.map((one) => one.toJSON().id);
        expect(new Set(ids).size).toBe(2 * total);
        expect(ids.slice(0, 2)).toEqual(["r1/c0", "r2/c0"]);
        list.select({ ...ALL, ...WHOLE, run: 2 });
        expect(list.document().connections.map((one) => one.toJSON().id)[0]).toBe("c0");
        expect(list.document().matched).toBe(total);
      });
    });
  });
});

test("findings, the connections that suffer from them, and moves between members", async () => {
  const analysis = await analysisOfScenario("ecmp-rehash");
  await withStore(async (path) => {
    await storeAnalysis(path, analysis, BY);
    await reading(path, (reader) => {
      const ask = (id: string) => {
        const question = questionNamed(id);
        if (question === null) throw new Error(`no question ${id}`);
        const { columns, rows } = reader.ask(question, {});
        return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
      };
      const [first] = analysis.findings;
      expect(ask("findings")[0]).toMatchObject({ finding: "ecmp.rehash", state: "over", title: first?.title });
      const related = reader.read(
        "SELECT count(*) AS count FROM finding_connections JOIN findings ON id = finding_connections.finding WHERE findings.finding = 'ecmp.rehash'",
      );
      expect(related[0]?.count).toBe(new Set(first?.connections).size);
      expect(ask("moves")[0]).toMatchObject({ kind: "member" });
      expect(Number(ask("moves")[0]?.moves)).toBeGreaterThanOrEqual(first?.connections.length ?? Number.NaN);
      const ofCaptures = analysis.subject.vips.flatMap((group) => tiersOf(analysis.subject, group).map(tierName));
      expect(new Set(ask("members").map(({ tier }) => tier))).toEqual(new Set(ofCaptures));
      expect(ask("runs")[0]).toMatchObject({ run: 1, command: "analyze", version: "1.2.3", host: "here", dropped: 0 });
    });
  });
});
