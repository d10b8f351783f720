import { statSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import type { FindingDocument } from "../../src/report/analysis-contract.ts";
import { questionNamed } from "../../src/store/questions/questions.ts";
import type { FindingToStore } from "../../src/store/store-input.ts";
import type { StoreReader } from "../../src/store/store-reader.ts";
import { StoreWriter } from "../../src/store/store-writer.ts";
import type { ConnectionToStore } from "../../src/store/stored-connection.ts";
import { FACTS, fill, reading, someConnections, withStore } from "./store-folder.ts";

const HOUR = { connections: 6000, spanSeconds: 3600 };

function number(reader: StoreReader, sql: string): number {
  return Number(Object.values(reader.read(sql)[0] ?? {})[0]);
}

function finding(change: Partial<FindingToStore> = {}, document: Partial<FindingDocument> = {}): FindingToStore {
  return {
    key: "lb.rehash 192.0.2.10:443",
    state: "open",
    opened: 1_790_000_100,
    lastSeen: 1_790_000_160,
    closed: Number.NaN,
    worst: "warning",
    finding: {
      id: "lb.rehash",
      severity: "warning",
      confidence: 0.8,
      title: "12 connections moved",
      explanation: "",
      where: { vip: "192.0.2.10:443", node: "lb1" },
      window: { from: "1790000100.000000000", to: "1790000160.000000000" },
      measured: {},
      affected: { connections: 12, examples: ["c1", "c2"] },
      evidence: [],
      displayFilter: "",
      remedy: [],
      symptoms: [],
      ...document,
    },
    ...change,
  };
}

describe("minutes", () => {
  test("count what the connections say, however they come in", async () => {
    const connections = someConnections(HOUR);
    // as they end, not as they begin; in batches that cut through minutes
    const byEnd = connections.toSorted((a, b) => Number(a.connection.end) - Number(b.connection.end));
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      for (let i = 0; i < byEnd.length; i += 37) {
        writer.addConnections(byEnd.slice(i, i + 37));
        if (i % 5 === 0) writer.flush();
      }
      writer.close();
      await reading(path, (reader) => {
        const users = "FROM connections WHERE health_check = 0 AND role = 'client'";
        expect(number(reader, "SELECT count(*) FROM connections")).toBe(connections.length);
        for (const [counted, listed] of [
          ["sum(opened)", "count(*)"],
          ["sum(ok)", "sum(outcome = 'ok')"],
          ["sum(reset)", "sum(outcome = 'reset')"],
          ["sum(refused)", "sum(outcome = 'refused')"],
          ["sum(timeout)", "sum(outcome = 'timeout')"],
          ["sum(bytes_up)", "sum(bytes_up)"],
          ["sum(bytes_down)", "sum(bytes_down)"],
          ["sum(packets_up + packets_down)", "sum(packets_up + packets_down)"],
          ["sum(retransmits_down)", "sum(retransmits_down)"],
        ]) {
          expect(number(reader, `SELECT ${counted} FROM minutes`), counted).toBe(
            number(reader, `SELECT ${listed} ${users}`),
          );
        }
        expect(number(reader, "SELECT sum(checks_ok + checks_failed) FROM minutes")).toBe(
          number(reader, "SELECT count(*) FROM connections WHERE health_check = 1"),
        );
        expect(number(reader, "SELECT sum(resets) FROM minute_resets")).toBe(
          number(reader, `SELECT count(*) ${users} AND outcome IN ('reset', 'refused')`),
        );
        expect(number(reader, "SELECT sum(connections) FROM minute_ports")).toBe(
          number(reader, `SELECT count(*) ${users} AND mode = 'fullnat'`),
        );
        // the worst minute of a pair by another way: distinct ports of the connections that ended in it
        const [worst] = reader.read("SELECT * FROM minute_ports ORDER BY ports DESC LIMIT 1");
        const ports = byEnd.filter(
          ({ connection: { backend, end, legs, healthCheck } }) =>
            !healthCheck &&
            backend === worst?.backend &&
            legs[1]?.src.startsWith(`${worst?.address}:`) &&
            Math.floor(Number(end) / 60) * 60 === worst?.minute,
        );
        expect(worst?.ports).toBe(new Set(ports.map(({ connection }) => connection.legs[1]?.src)).size);
      });
    });
  });

  test("are the same when what was told is told again", async () => {
    const connections = someConnections({ connections: 500, spanSeconds: 60 });
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      writer.addConnections(connections);
      writer.addConnections(connections);
      writer.close();
      await reading(path, (reader) => {
        expect(number(reader, "SELECT count(*) FROM connections")).toBe(500);
        expect(number(reader, "SELECT sum(opened + checks_ok + checks_failed) FROM minutes")).toBe(500);
      });
    });
  });

  test("put a scan of a whole network together", async () => {
    const [pattern] = someConnections({ connections: 1 });
    if (pattern === undefined) throw new Error("no connection");
    const scan: ConnectionToStore[] = Array.from({ length: 9000 }, (_, i) => {
      const vip = `10.9.${i >> 8}.${i & 255}:22`;
      return { connection: { ...pattern.connection, id: `c${i}`, vip, backend: null, healthCheck: false } };
    });
    await withStore(async (path) => {
      await fill(path, scan);
      await reading(path, (reader) => {
        expect(number(reader, "SELECT sum(opened) FROM minutes")).toBe(9000);
        expect(number(reader, "SELECT count(*) FROM minutes")).toBeLessThan(4100);
        expect(number(reader, "SELECT sum(opened) FROM minutes WHERE vip = 'other'")).toBeGreaterThan(4900);
      });
    });
  });

  test("take counters by what they grew and gauges as they are", async () => {
    const sample = { minute: 1_790_000_040, labels: { vip: "192.0.2.10:443", kind: "member" } };
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      for (const value of [3, 4]) {
        writer.addMinutes([
          { ...sample, name: "flow_moves_total", value, how: "add" },
          { ...sample, name: "connections_active", value, how: "set" },
        ]);
        writer.flush();
      }
      writer.close();
      await reading(path, (reader) => {
        const rows = reader.read("SELECT name, value FROM minute_samples ORDER BY name");
        expect(rows).toEqual([
          { name: "connections_active", value: 4 },
          { name: "flow_moves_total", value: 7 },
        ]);
      });
    });
  });
});

describe("findings", () => {
  test("that change and close stay one", async () => {
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      writer.addFindings([finding()]);
      writer.flush();
      writer.addFindings([
        finding({ state: "over", closed: 1_790_000_300 }, { severity: "critical", title: "40 moved" }),
      ]);
      writer.close();
      await reading(path, (reader) => {
        expect(
          reader.read("SELECT state, title, severity, worst, closed_ns / 1000000000 AS closed FROM findings"),
        ).toEqual([
          { state: "over", title: "40 moved", severity: "critical", worst: "warning", closed: 1_790_000_300 },
        ]);
        expect(
          reader.read("SELECT connection & 4294967295 AS number FROM finding_connections").map((row) => row.number),
        ).toEqual([1, 2]);
      });
    });
  });

  test("that turned out to be none are not told", async () => {
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      writer.addFindings([finding(), finding({ key: "other", state: "withdrawn" })]);
      writer.close();
      const question = questionNamed("findings");
      if (question === null) throw new Error("no question");
      await reading(path, (reader) => expect(reader.ask(question, {}).rows).toHaveLength(1));
    });
  });
});

test("packets of a broken connection come back as they went in", async () => {
  const pcapng = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  const [one] = someConnections({ connections: 1 });
  if (one === undefined) throw new Error("no connection");
  await withStore(async (path) => {
    await fill(path, [{ ...one, pcapng }]);
    await reading(path, (reader) => {
      const [row] = reader.read("SELECT pcapng, connection & 4294967295 AS number, note FROM evidence");
      expect(new Uint8Array(row?.pcapng as Buffer)).toEqual(pcapng);
      expect(row).toMatchObject({ number: 0, note: one.connection.outcome });
    });
  });
});

describe("committing", () => {
  test("happens within the second, without another word", async () => {
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS, { commitEverySeconds: 0.05 });
      writer.addConnections(someConnections({ connections: 10 }));
      await vi.waitFor(() => expect(writer.stats).toMatchObject({ connections: 10, waiting: 0 }), 2000);
      writer.close();
    });
  });

  test("goes on while somebody reads, who sees whole commits", async () => {
    const connections = someConnections({ connections: 20_000 });
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      await reading(path, (reader) => {
        const seen: number[] = [];
        for (let i = 0; i < connections.length; i += 1000) {
          writer.addConnections(connections.slice(i, i + 1000));
          writer.flush();
          const [row] = reader.read(
            "SELECT (SELECT count(*) FROM connections) AS rows, (SELECT sum(opened + checks_ok + checks_failed) FROM minutes) AS counted",
          );
          expect(row?.counted).toBe(row?.rows);
          seen.push(Number(row?.rows));
        }
        expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => 1000 * (i + 1)));
        // a reader that stays in one state holds nobody up
        reader.beginSnapshot();
        expect(number(reader, "SELECT count(*) FROM connections")).toBe(20_000);
        writer.addConnections(someConnections({ connections: 21_000 }).slice(20_000));
        expect(writer.flush()).toBe(true);
        expect(number(reader, "SELECT count(*) FROM connections")).toBe(20_000);
      });
      writer.close();
      await reading(path, (reader) => expect(number(reader, "SELECT count(*) FROM connections")).toBe(21_000));
    });
  });

  test("of two writers at once loses nothing of either", async () => {
    const connections = someConnections({ connections: 4000 });
    await withStore(async (path) => {
      const writers = [await StoreWriter.open(path, FACTS), await StoreWriter.open(path, FACTS)];
      for (let i = 0; i < connections.length; i += 500) {
        for (const writer of writers) {
          writer.addConnections(connections.slice(i, i + 500));
          writer.flush();
        }
      }
      for (const writer of writers) writer.close();
      await reading(path, (reader) => {
        expect(reader.read("SELECT run, count(*) AS count FROM connections GROUP BY run")).toEqual([
          { run: 1, count: 4000 },
          { run: 2, count: 4000 },
        ]);
      });
    });
  });
});

describe("keeping less", () => {
  test("by age: the newest hours stay, in all tables", async () => {
    const connections = someConnections({ connections: 20_000, spanSeconds: 36_000 });
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      writer.addConnections(connections.map((one) => ({ ...one, pcapng: Uint8Array.of(1, 2, 3) })));
      writer.addFindings([finding(), finding({ key: "old", state: "over", closed: 1_790_000_300 })]);
      writer.flush();
      // most of it is in the log still
      const before = statSync(path).size + statSync(`${path}-wal`).size;
      const pruned = writer.prune({ keepSeconds: 3600 }, 60_000);
      const newest = Math.max(...connections.map(({ connection }) => Number(connection.end)));
      expect(pruned).toMatchObject({ more: false, isForSize: false, findings: 1 });
      expect(pruned?.before).toBe(Math.floor(newest - 3600));
      writer.close();
      await reading(path, (reader) => {
        expect(number(reader, "SELECT count(*) FROM connections")).toBe(20_000 - (pruned?.connections ?? 0));
        expect(number(reader, "SELECT min(end_ns) / 1000000000 FROM connections")).toBeGreaterThanOrEqual(
          newest - 3601,
        );
        expect(number(reader, "SELECT count(*) FROM connections")).toBeGreaterThan(1900);
        expect(number(reader, "SELECT min(minute) FROM minutes")).toBeGreaterThan(newest - 3600 - 60);
        expect(number(reader, "SELECT min(time_ns) / 1000000000 FROM evidence")).toBeGreaterThanOrEqual(newest - 3601);
        // an open one is never old
        expect(reader.read("SELECT key FROM findings")).toEqual([{ key: "lb.rehash 192.0.2.10:443" }]);
        expect(number(reader, "SELECT count(*) FROM runs")).toBe(1);
      });
      expect(statSync(path).size).toBeLessThan(before / 3);
    });
  });

  test("by size: the oldest goes, a little at a time where time is short", async () => {
    await withStore(async (path) => {
      const connections = someConnections({ connections: 30_000 });
      const writer = await StoreWriter.open(path, FACTS);
      writer.addConnections(connections);
      writer.flush();
      const maxBytes = 3_000_000;
      expect(writer.prune({ maxBytes }, 0)).toMatchObject({ isForSize: true, more: true });
      let pruned = writer.prune({ maxBytes }, 20);
      for (let i = 0; i < 500 && pruned?.more; i++) pruned = writer.prune({ maxBytes }, 20);
      expect(pruned?.more).toBe(false);
      writer.close();
      expect(statSync(path).size).toBeLessThan(maxBytes);
      await reading(path, (reader) => {
        const left = number(reader, "SELECT count(*) FROM connections");
        expect(left).toBeGreaterThan(2000);
        const newest = number(reader, "SELECT max(number) FROM connections");
        expect(newest).toBe(29_999);
        // without gaps: those that are left are the newest
        expect(number(reader, "SELECT min(number) FROM connections")).toBeGreaterThanOrEqual(newest - left - 200);
      });
    });
  });

  test("is done by the writer itself, which says so; one packet from the future does not empty the store", async () => {
    const connections = someConnections({ connections: 5000, spanSeconds: 36_000 });
    const [first] = connections;
    if (first === undefined) throw new Error("no connection");
    await withStore(async (path) => {
      const told: number[] = [];
      const writer = await StoreWriter.open(path, FACTS, {
        keep: { keepSeconds: 3600 },
        onPruned: ({ connections: count }) => told.push(count),
      });
      writer.addConnections(connections);
      writer.flush();
      // in more than one go, where the machine is slow
      expect(told[0]).toBeGreaterThanOrEqual(4000);
      const future = { ...first.connection, id: "c999999", start: "4000000000.000000000", end: "4000000001.000000000" };
      writer.addConnections([{ connection: future }]);
      writer.flush();
      const pruned = writer.prune({ keepSeconds: 3600 }, 60_000);
      // the machine's own clock bounds it
      expect(pruned?.before ?? 0).toBeLessThan(Date.now() / 1000);
      writer.close();
    });
  });
});
