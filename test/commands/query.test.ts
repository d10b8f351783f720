import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectionSchema } from "../report/analysis-schema.ts";
import { runCli } from "../support/run-process.ts";

const DEMO = ["fixtures/demo/lb1-eth0.pcap", "fixtures/demo/lb1-eth1.pcap"];
const folder = mkdtempSync(join(tmpdir(), "l4scope-query-"));
const store = join(folder, "demo.db");

beforeAll(async () => {
  const { exitCode, stderr, stdout } = await runCli(["analyze", ...DEMO, "--store", store]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("refuses connections");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("query", () => {
  test("answers a question as table, JSON and CSV", async () => {
    const asked = ["query", "top-resets", "--store", store];
    const [table, json, csv] = await Promise.all([
      runCli(asked),
      runCli([...asked, "--json"]),
      runCli([...asked, "--csv"]),
    ]);
    for (const { exitCode, stderr } of [table, json, csv])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(table.stdout.split("\n")[0]).toMatch(/^ +VIP +backend +by +cause +resets +share/);
    expect(table.stdout).toMatch(/192\.0\.2\.10:443 +10\.3\.0\.12:8443 +backend +refused +11 +100\.0%/);
    const document = JSON.parse(json.stdout);
    expect(document).toMatchObject({ schema: "l4scope.query/1", question: "top-resets", truncated: false });
    expect(document.rows).toEqual([
      {
        vip: "192.0.2.10:443",
        backend: "10.3.0.12:8443",
        by: "backend",
        cause: "refused",
        resets: 11,
        share: 1,
        first: "1795171080",
        last: "1795171080",
      },
    ]);
    expect(document.columns.find(({ name }: { name: string }) => name === "last")).toEqual({
      name: "last",
      unit: "time",
    });
    expect(csv.stdout.split("\n")[1]).toBe("192.0.2.10:443,10.3.0.12:8443,backend,refused,11,1,1795171080,1795171080");
  });

  test("answers SQL, and takes the store from the environment", async () => {
    const sql = "SELECT backend, count(*) AS count FROM connections GROUP BY backend ORDER BY backend";
    const { stdout, exitCode } = await runCli(["query", sql, "--json"], { env: { L4SCOPE_STORE: store } });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      question: null,
      rows: expect.arrayContaining([{ backend: "10.3.0.12:8443", count: 19 }]),
    });
    const cut = await runCli(["query", "SELECT id FROM connections", "--store", store, "--limit", "3"]);
    expect(cut.stdout.trimEnd().split("\n")).toHaveLength(4);
    expect(cut.stderr).toBe("l4scope query: warning: only the first 3 rows; --limit gives more\n");
  });

  test("shows its questions, without a store too, and the tables of one", async () => {
    const [list, json, schema] = await Promise.all([
      runCli(["query"]),
      runCli(["query", "--list", "--json"]),
      runCli(["query", "--schema", "--store", store]),
    ]);
    expect(list.stdout).toContain("slow-backends");
    expect(JSON.parse(json.stdout).schema).toBe("l4scope.questions/1");
    expect(JSON.parse(json.stdout).questions[0]).toMatchObject({
      id: "top-resets",
      flags: expect.arrayContaining(["--vip"]),
    });
    expect(schema.stdout).toMatch(/connections +start_ns +INTEGER +yes/);
  });

  test.each<[string[], string]>([
    [["top-resets"], "name the store to ask with --store DB"],
    [["DELETE FROM runs", "--store", store], "a store is read-only here: give one SELECT"],
    [["SELECT nope FROM runs", "--store", store], "SQL: no such column: nope"],
    [["nonsense", "--store", store], "nonsense: no such question; l4scope query --list shows them"],
    [["vips", "--store", "nowhere.db"], "nowhere.db: no such file"],
    [["vips", "--store", DEMO[0] ?? ""], "no store: not a SQLite database"],
    [["SELECT 1", "--store", DEMO[0] ?? ""], "no store: not a SQLite database"],
    [["vips", "--store", store, "--last", "1h", "--from", "1"], "--last"],
  ])("%j is refused in a line", async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(["query", ...args], { env: { L4SCOPE_STORE: undefined } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^l4scope query: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});

describe("flows --store", () => {
  test("lists what flows lists of the captures", async () => {
    const only = ["--outcome", "refused", "--backend", "10.3.0.12", "--sort", "duration"];
    const [captured, stored] = await Promise.all([
      runCli(["flows", ...DEMO, ...only, "--json"]),
      runCli(["flows", "--store", store, ...only, "--json"]),
    ]);
    expect(stored.stderr).toBe("");
    expect(stored.stdout).toBe(captured.stdout);
    expect(connectionSchema.array().parse(JSON.parse(stored.stdout).connections)).toHaveLength(11);
  });

  test.each<[string[], string]>([
    [[], "name captures to read, or --store DB"],
    [["--store", store, ...DEMO], "give captures or --store DB, not both"],
    [["--store", store, "--legs"], "--legs"],
    [[...DEMO, "--last", "1h"], "--store"],
    [["--store", store, "--run", "9"], "--run 9: no such run; there are 1"],
    [["--store", store, "--from", "noon"], "--from: expected an epoch time"],
    [["--store", store, "--pcap", join(folder, "kept.pcapng")], "no packets were kept of these connections"],
  ])("%j is refused in a line", async (args, message) => {
    const { exitCode, stderr } = await runCli(["flows", ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^l4scope flows: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});

describe("top --store", () => {
  test("prints the newest minute where there is no terminal", async () => {
    const [text, json] = await Promise.all([
      runCli(["top", "--store", store]),
      runCli(["top", "--store", store, "--json"]),
    ]);
    for (const { exitCode, stderr } of [text, json]) expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(text.stdout).toContain("10.3.0.12:8443");
    const model = JSON.parse(json.stdout);
    expect(model.vips[0]).toMatchObject({ vip: "192.0.2.10:443", mode: "dnat" });
    expect(model.findings[0].finding.id).toBe("backend.refusing");
    expect(model.resets[0]).toMatchObject({ backend: "10.3.0.12:8443", cause: "refused", counts: { "15m": 11 } });
  });

  test("refuses what is no store, and interfaces beside one", async () => {
    const none = await runCli(["top", "--store", DEMO[0] ?? ""]);
    expect(none).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^l4scope top: [^\n]+not a SQLite database[^\n]+\n$/),
    });
    const both = await runCli(["top", "eth0", "--store", store]);
    expect(both).toMatchObject({ exitCode: 2, stderr: "l4scope top: give interfaces or --store DB, not both\n" });
  });
});

test("analyze --store refuses what is no store, before it is harmed", async () => {
  const path = join(folder, "notes.txt");
  writeFileSync(path, "notes of mine\n".repeat(100));
  const { exitCode, stderr } = await runCli(["analyze", ...DEMO, "--store", path]);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^l4scope analyze: \S+notes\.txt: no store: not a SQLite database[^\n]+\n$/);
});
