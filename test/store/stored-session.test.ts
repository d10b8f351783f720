import { describe, expect, test } from "vitest";
import { StoreWriter } from "../../src/store/store-writer.ts";
import { StoredSession } from "../../src/store/stored-session.ts";
import { FACTS, fill, someConnections, withStore } from "./store-folder.ts";

const TRAFFIC = { connections: 12_000, spanSeconds: 3600 };
const connections = someConnections(TRAFFIC);
const users = connections.filter(({ connection }) => !connection.healthCheck).map(({ connection }) => connection);

async function withSession<T>(run: (session: StoredSession, path: string) => Promise<T>): Promise<T> {
  return withStore(async (path) => {
    await fill(path, connections);
    const session = await StoredSession.open(path);
    try {
      return await run(session, path);
    } finally {
      await session.stop();
    }
  });
}

/** Clients' connections that began in the seconds before a moment. */
function opened(now: number, seconds: number, vip?: string): number {
  return users.filter(
    (one) => Number(one.start) < now && Number(one.start) >= now - seconds && (vip === undefined || one.vip === vip),
  ).length;
}

describe("a store as a dashboard shows it", () => {
  test("its newest minute, then any other, with the figures of the minutes before", async () => {
    await withSession(async (session) => {
      const newest = session.model().now;
      expect(newest % 60).toBe(0);
      for (const minutes of [0, -1, -20, 5]) {
        session.scroll(minutes);
        const model = session.model();
        const { now, vips, backends, series, health } = model;
        expect(vips).toHaveLength(4);
        for (const { vip, windows, balance } of vips) {
          expect(windows["1m"].connections).toBe(opened(now, 60, vip));
          expect(windows["15m"].connections).toBe(opened(now, 900, vip));
          expect(windows["15m"].connectionsPerSecond).toBeCloseTo(opened(now, 900, vip) / 900);
          expect(balance["15m"].samples).toBe(windows["15m"].connections);
        }
        expect(backends).toHaveLength(20);
        const ended = users.filter(({ end }) => Number(end) < now && Number(end) >= now - 900);
        const resets = ended.filter(({ outcome }) => outcome === "reset" || outcome === "refused").length;
        expect(model.resets.reduce((sum, { counts }) => sum + counts["15m"], 0)).toBe(resets);
        expect(vips.reduce((sum, { windows }) => sum + windows["15m"].resetsPerSecond, 0)).toBeCloseTo(resets / 900);
        expect(series.opened).toHaveLength(900);
        expect(series.opened.reduce((sum, count) => sum + count, 0)).toBeCloseTo(opened(now, 900));
        const active = users.filter(({ start, end }) => Number(start) < now && Number(end) >= now).length;
        expect(health.activeConnections).toBe(active);
      }
      expect(session.model().now).toBe(newest - 16 * 60);
    });
  });

  test("no earlier than its beginning, no later than its end, which it follows", async () => {
    await withSession(async (session, path) => {
      const newest = session.model().now;
      session.scroll(-10_000);
      expect(session.model().now).toBeLessThanOrEqual(newest - 59 * 60);
      expect(session.model().vips.length).toBeGreaterThan(0);
      session.scroll(10_000);
      expect(session.model().now).toBe(newest);
      const writer = await StoreWriter.open(path, FACTS);
      writer.addConnections(
        someConnections({ ...TRAFFIC, startSeconds: newest + 120, spanSeconds: 30, connections: 50 }),
      );
      writer.close();
      session.scroll(0);
      expect(session.model().now).toBe(newest + 180);
    });
  });

  test("connections at that moment: what befell them later is not known yet", async () => {
    await withSession(async (session) => {
      session.scroll(-30);
      const { now } = session.model();
      const there = users.filter(({ start, end }) => Number(start) < now && Number(end) >= now - 900);
      const all = await session.flows({ limit: 100_000 });
      expect(all.matched).toBe(there.length);
      const open = await session.flows({ activeOnly: true, limit: 100_000 });
      expect(open.matched).toBe(there.filter(({ end }) => Number(end) >= now).length);
      expect(open.flows.every(({ outcome, reset }) => outcome === "open" && reset === null)).toBe(true);
      const failed = there.filter(
        ({ outcome, end, vip }) => outcome === "reset" && Number(end) < now && vip === "192.0.2.10:443",
      );
      const asked = await session.flows({ vip: "192.0.2.10:443", filter: "RESET lb1", sort: "bytes", limit: 3 });
      expect(asked.matched).toBe(failed.length);
      const bytes = asked.flows.map((flow) => flow.bytes.up + flow.bytes.down);
      expect(bytes).toEqual(bytes.toSorted((a, b) => b - a));
      expect(asked.flows).toHaveLength(3);
    });
  });

  test("packets that were kept", async () => {
    await withStore(async (path) => {
      const [one] = connections;
      if (one === undefined) throw new Error("no connection");
      await fill(path, [{ ...one, pcapng: Uint8Array.of(10, 13, 13, 10) }]);
      const session = await StoredSession.open(path);
      expect(await session.packets("c0")).toEqual(Uint8Array.of(10, 13, 13, 10));
      expect(await session.packets("c1")).toBeNull();
      expect(await session.packets("x")).toBeNull();
      await session.stop();
      await session.ended;
    });
  });
});
