import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { openForWriting } from "../../src/store/open-store.ts";
import { Outbox, type OutboxBatch } from "../../src/store/outbox.ts";
import { StoreWriter } from "../../src/store/store-writer.ts";
import type { ConnectionToStore } from "../../src/store/stored-connection.ts";
import { FACTS, fill, someConnections, withStore } from "./store-folder.ts";

const HUNDRED = someConnections({ connections: 100 });

async function withOutbox<T>(path: string, use: (outbox: Outbox) => T | Promise<T>): Promise<T> {
  const outbox = await Outbox.open(path);
  try {
    return await use(outbox);
  } finally {
    outbox.close();
  }
}

/** Ids of the connections of a batch, sorted. */
function idsOf({ connections }: OutboxBatch): string[] {
  return connections.map(({ connection }) => connection.connection.id).sort();
}

function namesOf(connections: readonly ConnectionToStore[]): string[] {
  return connections.map(({ connection }) => connection.id).sort();
}

function inNanoseconds(seconds: number | null | undefined): number | null {
  return typeof seconds === "number" ? Math.round(seconds * 1e9) / 1e9 : null;
}

test("what a store has waits when it gets a queue, and what it gets waits from then on", async () => {
  await withStore(async (path) => {
    await fill(path, HUNDRED.slice(0, 60));
    await withOutbox(path, async (outbox) => {
      const first = outbox.take(1000);
      expect(idsOf(first)).toEqual(namesOf(HUNDRED.slice(0, 60)));
      expect(first).toMatchObject({ runs: [1], gone: 0 });
      outbox.done(first);
      expect(outbox.length).toBe(0);
      await fill(path, HUNDRED.slice(60));
      const second = outbox.take(1000);
      expect(idsOf(second)).toEqual(namesOf(HUNDRED.slice(60)));
      expect(second.runs).toEqual([2]);
      expect(outbox.runOf(2)).toMatchObject({
        host: FACTS.host,
        command: "record",
        sources: JSON.stringify(FACTS.sources),
      });
    });
  });
});

test("a connection comes out of it as it was put into the store", async () => {
  await withStore(async (path) => {
    await fill(path, HUNDRED);
    await withOutbox(path, (outbox) => {
      const { connections } = outbox.take(1000);
      expect(connections.length).toBe(HUNDRED.length);
      for (const { connection: sent } of connections) {
        const put = HUNDRED.find(({ connection }) => connection.id === sent.connection.id)?.connection;
        expect(sent.connection).toEqual({
          ...put,
          // a store has whole nanoseconds, and no Community IDs: they are worked out
          handshake: inNanoseconds(put?.handshake),
          connectToBackend: inNanoseconds(put?.connectToBackend),
          communityId: sent.connection.legs.map(() => expect.stringMatching(/^1:.{28}$/)),
        });
      }
    });
  });
});

test("a batch that was not handed back comes again", async () => {
  await withStore(async (path) => {
    await fill(path, HUNDRED);
    const once = await withOutbox(path, (outbox) => outbox.take(40));
    const again = await withOutbox(path, (outbox) => outbox.take(40));
    expect(again).toEqual(once);
  });
});

test("what changes while it is on its way waits again, newer than before", async () => {
  await withStore(async (path) => {
    await fill(path, HUNDRED.slice(0, 10));
    await withOutbox(path, async (outbox) => {
      const before = outbox.take(1000);
      const database = await openForWriting(path);
      database.prepare("UPDATE connections SET outcome = 'timeout' WHERE number = 3").run();
      database.close();
      outbox.done(before);
      const after = outbox.take(1000);
      expect(after.connections.map(({ connection }) => connection.connection)).toMatchObject([
        { id: "c3", outcome: "timeout" },
      ]);
      expect(after.connections[0]?.version).toBeGreaterThan(before.last);
    });
  });
});

test("a finding waits once however often it changes", async () => {
  await withStore(async (path) => {
    (await openForWriting(path)).close();
    await withOutbox(path, async (outbox) => {
      const writer = await StoreWriter.open(path, FACTS);
      const finding = {
        id: "lb.rehash",
        severity: "warning",
        confidence: 0.8,
        title: "12 connections moved",
        explanation: "",
        where: { vip: "192.0.2.10:443" },
        window: { from: null, to: null },
        measured: {},
        affected: { connections: 12, examples: [] },
        evidence: [],
        displayFilter: "",
        remedy: [],
        symptoms: [],
      } as const;
      const times = { opened: 1_790_000_100, closed: Number.NaN, worst: "warning" } as const;
      for (const lastSeen of [1_790_000_101, 1_790_000_102, 1_790_000_103]) {
        writer.addFindings([{ key: "lb.rehash", state: "open", ...times, lastSeen, finding }]);
        writer.flush();
      }
      writer.close();
      const { findings } = outbox.take(1000);
      expect(findings.map(({ row }) => row)).toMatchObject([{ key: "lb.rehash", last_ns: "1790000103000000000" }]);
    });
  });
});

test("what the store gave up before it was sent is counted", async () => {
  await withStore(async (path) => {
    await fill(path, HUNDRED);
    await withOutbox(path, async (outbox) => {
      const database = await openForWriting(path);
      database.exec("UPDATE outbox SET queued_at = queued_at - 3600; DELETE FROM connections WHERE number < 40");
      database.close();
      const batch = outbox.take(1000);
      expect(batch.gone).toBe(HUNDRED.filter(({ connection }) => Number(connection.id.slice(1)) < 40).length);
      expect(batch.connections.length + batch.gone).toBe(HUNDRED.length);
      outbox.done(batch);
      expect(outbox.length).toBe(0);
    });
  });
});

test("what a recorder may know better soon is not sent yet, what it takes back never", async () => {
  await withStore(async (path) => {
    (await openForWriting(path)).close();
    await withOutbox(path, async (outbox) => {
      const writer = await StoreWriter.open(path, FACTS);
      writer.addConnections(HUNDRED.slice(0, 10));
      writer.flush();
      expect(outbox.take(1000)).toMatchObject({ connections: [], runs: [1], gone: 0 });
      const database = await openForWriting(path);
      database.exec(
        "DELETE FROM connections WHERE number = 3; UPDATE outbox SET queued_at = queued_at - 30 WHERE id % 2 = 0",
      );
      database.close();
      const settled = outbox.take(1000);
      expect(idsOf(settled)).toEqual(["c0", "c2", "c4", "c6", "c8"]);
      outbox.done(settled);
      // when the run has ended all of it is settled
      writer.close();
      expect(idsOf(outbox.take(1000))).toEqual(["c1", "c5", "c7", "c9"]);
      expect(outbox.take(1000).gone).toBe(0);
    });
  });
});

test("a queue that was given up costs nothing, and begins anew with all there is, newer than before", async () => {
  await withStore(async (path) => {
    await fill(path, HUNDRED.slice(0, 50));
    const { store, last } = await withOutbox(path, (outbox) => {
      const batch = outbox.take(1000);
      outbox.done(batch);
      outbox.stop();
      return { store: outbox.store, last: batch.last };
    });
    await fill(path, HUNDRED.slice(50));
    const database = await openForWriting(path);
    expect(database.prepare("SELECT count(*) FROM outbox").pluck().get()).toBe(0);
    database.close();
    await withOutbox(path, (outbox) => {
      expect(outbox.store).toBe(store);
      const batch = outbox.take(1000);
      expect(batch.connections.length).toBe(HUNDRED.length);
      expect(Math.min(...batch.connections.map(({ version }) => version))).toBeGreaterThan(last);
    });
  });
});

test("a store that is not there is not made for its queue", async () => {
  await withStore(async (path) => {
    await expect(Outbox.open(path)).rejects.toThrow(`${path}: no such file`);
    expect(existsSync(path)).toBe(false);
  });
});
