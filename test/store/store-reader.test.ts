import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { flagsOf } from "../../src/store/answer-document.ts";
import { askStore } from "../../src/store/ask-store.ts";
import { QUESTIONS } from "../../src/store/questions/questions.ts";
import { parseSpan } from "../../src/store/spans.ts";
import { windowOf } from "../../src/store/store-window.ts";
import { fill, reading, someConnections, withStore } from "./store-folder.ts";

const FAST = { timeoutSeconds: 30 };

describe("nothing that is asked changes a store", () => {
  test.each([
    "DELETE FROM connections",
    "DELETE FROM connections RETURNING id",
    "INSERT INTO journeys (document) VALUES ('x') RETURNING id",
    "UPDATE runs SET host = 'x' RETURNING host",
    "DROP TABLE runs",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA query_only = OFF",
    "PRAGMA user_version = 7",
    "ATTACH 'other.db' AS other",
    "VACUUM INTO 'copy.db'",
    "BEGIN",
    "SELECT 1; DELETE FROM runs",
    "SELECT load_extension('x')",
    "",
    "SELEC 1",
  ])("%s", async (sql) => {
    await withStore(async (path) => {
      await fill(path, someConnections({ connections: 50 }));
      const before = readFileSync(path);
      await reading(path, (reader) => {
        expect(() => [...reader.prepareSql(sql).rows()]).toThrow(/^(SQL: |a store is read-only here: )[^\n]+$/);
      });
      expect(readFileSync(path).equals(before)).toBe(true);
    });
  });

  test("a SELECT is answered, numbers that no double holds as texts", async () => {
    await withStore(async (path) => {
      await fill(path, someConnections({ connections: 50 }));
      const { answer } = await askStore(
        path,
        "SELECT start_ns, number, x'0aff' AS bytes, NULL AS none, vip, vip FROM connections ORDER BY id LIMIT 1",
        FAST,
      );
      expect(answer.columns.map(({ name }) => name)).toEqual(["start_ns", "number", "bytes", "none", "vip", "vip_2"]);
      expect(answer.rows[0]?.slice(0, 4)).toEqual(["1790000040000000000", 0, "x'0aff'", null]);
      expect(answer.truncated).toBe(false);
    });
  });

  test("more rows than were asked for are left out, and that is said", async () => {
    await withStore(async (path) => {
      await fill(path, someConnections({ connections: 50 }));
      const sql = "SELECT id FROM connections";
      expect((await askStore(path, sql, { ...FAST, limit: 50 })).answer).toMatchObject({ truncated: false });
      const { answer } = await askStore(path, sql, { ...FAST, limit: 7 });
      expect(answer.rows).toHaveLength(7);
      expect(answer.truncated).toBe(true);
    });
  });

  test("a statement without an end is ended", async () => {
    await withStore(async (path) => {
      await fill(path, []);
      const endless = "WITH RECURSIVE x (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x";
      await expect(askStore(path, endless, { timeoutSeconds: 2 })).rejects.toThrow(
        "SQL: no answer within 2 s; narrow it with WHERE, or allow more with --timeout",
      );
    });
  });
});

describe("questions with names", () => {
  const connections = someConnections({ connections: 20_000, spanSeconds: 7200 });

  test("give the columns that they say, and little of it takes long", async () => {
    await withStore(async (path) => {
      await fill(path, connections);
      await reading(path, (reader) => {
        for (const question of QUESTIONS) {
          const { rows } = reader.ask(question, {});
          const { columns } = reader.prepareSql(question.sql.replace(/:\w+/g, "1"));
          expect(
            columns.map(({ name }) => name),
            question.id,
          ).toEqual(question.columns.map(({ name }) => name));
          for (const row of rows) expect(row).toHaveLength(question.columns.length);
        }
      });
    });
  });

  test("know the answers", async () => {
    await withStore(async (path) => {
      await fill(path, connections);
      const rows = async (id: string, options = {}) => {
        const { columns, rows } = (await askStore(path, id, { ...FAST, ...options })).answer;
        return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
      };
      const users = connections.filter(({ connection }) => !connection.healthCheck).map(({ connection }) => connection);
      const count = (isOne: (one: (typeof users)[number]) => boolean) => users.filter(isOne).length;
      const [vip = ""] = users.map((one) => one.vip);

      // the first backend of each VIP was made slow: 20 ms to answer instead of 0.4
      const slow = await rows("slow-backends");
      expect(slow.slice(0, 4).map(({ backend }) => String(backend).split(".").at(-1))).toEqual(
        Array(4).fill("11:8443"),
      );
      expect(slow[0]?.first_byte_p50).toBeGreaterThan(0.018);
      expect(slow[0]?.first_byte_p50).toBeLessThan(0.022);

      const resets = await rows("top-resets", { limit: 1000 });
      const total = resets.reduce((sum, row) => sum + Number(row.resets), 0);
      expect(total).toBe(count(({ outcome }) => outcome === "reset" || outcome === "refused"));
      const outcomes = await rows("outcomes", { vip });
      expect(outcomes).toHaveLength(1);
      expect(outcomes[0]?.timeout).toBe(count((one) => one.vip === vip && one.outcome === "timeout"));

      const [busiest] = await rows("busiest-clients", { limit: 1 });
      const of = (one: (typeof users)[number]) => one.client.split(":")[0];
      const most = new Map<string | undefined, number>();
      for (const one of users) most.set(of(one), (most.get(of(one)) ?? 0) + 1);
      expect(busiest?.connections).toBe(Math.max(...most.values()));
      expect(most.get(String(busiest?.client))).toBe(busiest?.connections);

      const timeline = await rows("timeline", { step: 600 });
      expect(timeline.reduce((sum, row) => sum + Number(row.opened), 0)).toBe(users.length);
      expect(timeline.every(({ time }) => Number(time) % 600 === 0)).toBe(true);
      expect(timeline[0]?.time).toBe("1789999800");

      const checks = await rows("health-checks");
      expect(checks.reduce((sum, row) => sum + Number(row.ok) + Number(row.failed), 0)).toBe(
        connections.length - users.length,
      );
      expect((await rows("vips")).map((row) => row.backends)).toEqual([5, 5, 5, 5]);
      const shares = (await rows("backends", { vip })).map((row) => Number(row.share));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
      expect((await rows("retransmits"))[0]?.share).toBeGreaterThan(0);
      expect((await rows("port-use"))[0]?.most_ports).toBeGreaterThan(1);
    });
  });

  test("are narrowed by time to the minute", async () => {
    await withStore(async (path) => {
      await fill(path, connections);
      const opened = async (options: object) =>
        (await askStore(path, "timeline", { ...FAST, ...options })).answer.rows.map((row) => Number(row[0]));
      const all = await opened({});
      expect(await opened({ last: "10m" })).toEqual(all.slice(-10));
      const from = all[30] ?? Number.NaN;
      expect(await opened({ from: String(from), to: String(from + 120) })).toEqual([from, from + 60]);
      expect(await opened({ from: String(from + 30.5), to: String(from + 60) })).toEqual([from]);
      expect(await opened({ from: new Date(from * 1000).toISOString(), to: String(from + 60) })).toEqual([from]);
    });
  });

  test("refuse what they do not listen to, and what they cannot read", async () => {
    await withStore(async (path) => {
      await fill(path, []);
      const refused = (asked: string, options: object) =>
        expect(askStore(path, asked, { ...FAST, ...options })).rejects;
      await refused("top-resets", { step: 60 }).toThrow("--step says nothing to top-resets; leave it out");
      await refused("SELECT 1", { last: "1h" }).toThrow("--last says nothing to SQL; leave it out");
      await refused("schema", { from: "1" }).toThrow("--from says nothing to schema; leave it out");
      await refused("vips", { vip: "192.0.2.10" }).toThrow("--vip: expected IP:PORT");
      await refused("vips", { from: "yesterday" }).toThrow("--from: expected an epoch time");
      await refused("vips", { from: "20", to: "10" }).toThrow("--from 20 is not before --to 10");
      await refused("vips", { last: "long" }).toThrow("--last: expected a duration (90s, 15m, 24h, 7d), got long");
      await refused("reset", {}).toThrow("reset: no such question; l4scope query --list shows them");
    });
  });

  test("each flag that one listens to narrows it, or is a number", () => {
    for (const question of QUESTIONS) {
      const names = [...question.sql.matchAll(/:(vip|backend|limit|step)\b/g)].map(([, name]) => `--${name}`);
      expect(new Set(flagsOf(question).slice(3)), question.id).toEqual(new Set(names));
    }
  });
});

test("durations and dates as people write them", () => {
  expect(["90", "15m", "1.5 min", "24h", "7D"].map(parseSpan)).toEqual([90, 900, 90, 86_400, 604_800]);
  expect(["", "h", "-1h", "1 year"].map(parseSpan)).toEqual([null, null, null, null]);
  expect(() => windowOf({ last: "0s" }, null)).toThrow("--last: expected a duration");
  const from = (text: string) => windowOf({ from: text }, null).from;
  const expected = 1_795_183_672_000_000_000n;
  for (const text of ["1795183672", "2026-11-20T14:07:52Z", "2026-11-20 14:07:52", "2026-11-20T15:07:52+01:00"]) {
    expect(from(text), text).toBe(expected);
  }
  expect(from("2026-11-20")).toBe(1_795_132_800_000_000_000n);
});
