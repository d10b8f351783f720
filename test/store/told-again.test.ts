import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoredRow, StoreReader } from "../../src/store/store-reader.ts";
import { StoreWriter } from "../../src/store/store-writer.ts";
import type { ConnectionToStore } from "../../src/store/stored-connection.ts";
import { FACTS, fill, reading, someConnections, withStore } from "./store-folder.ts";

const TABLES = {
  connections: "SELECT * FROM connections ORDER BY id",
  minutes: "SELECT * FROM minutes ORDER BY minute, vip, backend, protocol",
  minute_resets: "SELECT * FROM minute_resets ORDER BY minute, vip, backend, by, cause",
  clients: "SELECT * FROM clients ORDER BY client",
  minute_ports: "SELECT * FROM minute_ports ORDER BY minute, address, backend",
};

/** Everything that a store says of connections; ways by what they are, since their numbers come as they are first seen. */
function contents(reader: StoreReader): Record<string, StoredRow[]> {
  const ways = new Map(reader.read("SELECT id, document FROM journeys").map(({ id, document }) => [id, document]));
  return Object.fromEntries(
    Object.entries(TABLES).map(([name, sql]) => [
      name,
      reader.read(sql).map((row) => ("journey" in row ? { ...row, journey: ways.get(row.journey!) ?? null } : row)),
    ]),
  );
}

/** The same connection as it stood a while before its end. */
function earlier({ connection, firstByte = null }: ConnectionToStore, part: number): ConnectionToStore {
  const share = (both: { up: number; down: number }) => ({
    up: Math.floor(both.up * part),
    down: Math.floor(both.down * part),
  });
  const { start, end } = connection;
  const [from, to] = [Number(start), Number(end)];
  return {
    connection: {
      ...connection,
      end: (from + (to - from) * part).toFixed(6),
      outcome: part > 0.9 ? connection.outcome : "open",
      reset: part > 0.9 ? connection.reset : null,
      backend: part < 0.3 ? null : connection.backend,
      healthCheck: connection.healthCheck && part > 0.5,
      bytes: share(connection.bytes),
      packets: share(connection.packets),
      retransmits: share(connection.retransmits),
      handshake: part < 0.2 ? null : connection.handshake,
      connectToBackend: part < 0.2 ? null : connection.connectToBackend,
    },
    firstByte: part < 0.6 ? null : firstByte,
  };
}

describe("connections that are told again and again", () => {
  test("leave a store as if they had been told once", async () => {
    const connections = someConnections({ connections: 300, spanSeconds: 400 });
    const once = await withStore(async (path) => {
      await fill(path, connections);
      return reading(path, contents);
    });
    expect(once.minutes!.length).toBeGreaterThan(10);
    expect(once.minute_ports!.length).toBeGreaterThan(5);
    const step = fc.record({
      of: fc.nat(connections.length - 1),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      flush: fc.boolean(),
      withdraw: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 600 }), async (steps) => {
        await withStore(async (path) => {
          const writer = await StoreWriter.open(path, FACTS);
          for (const { of, part, flush, withdraw } of steps) {
            const one = connections[of]!;
            writer.addConnections([earlier(one, part)]);
            if (withdraw) writer.withdrawConnections([one.connection.id]);
            if (flush) writer.flush();
          }
          // what minutes say is what the connections say at any time
          writer.flush();
          await reading(path, (reader) => {
            const [row] = reader.read(
              `SELECT (SELECT count(*) FROM connections) AS kept, (SELECT sum(opened + checks_ok + checks_failed) FROM minutes) AS counted,
                 (SELECT sum(bytes_up) FROM connections WHERE health_check = 0 AND role = 'client') AS bytes, (SELECT sum(bytes_up) FROM minutes) AS summed`,
            );
            expect([row!.counted ?? 0, row!.summed ?? 0]).toEqual([row!.kept, row!.bytes ?? 0]);
            expect(writer.stats.connections).toBe(row!.kept);
          });
          writer.addConnections(connections);
          writer.close();
          expect(await reading(path, contents)).toEqual(once);
        });
      }),
      { numRuns: 15 },
    );
  });

  test("keep the packets that were told last, and none where they are withdrawn", async () => {
    const [one, other] = someConnections({ connections: 2 }) as [ConnectionToStore, ConnectionToStore];
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      const tell = (connection: ConnectionToStore, bytes: number | null) => {
        writer.addConnections([{ ...connection, pcapng: bytes === null ? null : new Uint8Array([bytes]) }]);
        writer.flush();
      };
      const kept = () =>
        reading(path, (reader) =>
          reader.read("SELECT connection & 4294967295 AS number, hex(pcapng) AS packets FROM evidence ORDER BY 1"),
        );
      tell(one, 1);
      tell(other, 2);
      tell(one, null);
      tell(other, 3);
      const [a, b] = [one, other].map(({ connection: { id } }) => Number(id.slice(1)));
      expect(await kept()).toEqual([
        { number: a, packets: "01" },
        { number: b, packets: "03" },
      ]);
      writer.withdrawConnections([one.connection.id]);
      writer.flush();
      expect(await kept()).toEqual([{ number: b, packets: "03" }]);
      // both at once, before anything is written
      writer.addConnections([{ ...one, pcapng: new Uint8Array([4]) }]);
      writer.addConnections([{ ...one, pcapng: null }]);
      writer.close();
      expect(await kept()).toContainEqual({ number: a, packets: "04" });
    });
  });

  test("do not bring back a minute that is out of the store", async () => {
    const [made] = someConnections({ connections: 1 }) as [ConnectionToStore];
    const start = Number(made.connection.start);
    const at = (seconds: number): ConnectionToStore => ({
      connection: { ...made.connection, healthCheck: false, role: "client", end: (start + seconds).toFixed(6) },
    });
    await withStore(async (path) => {
      const writer = await StoreWriter.open(path, FACTS);
      writer.addConnections([at(3000)]);
      writer.flush();
      expect(writer.prune({ keepSeconds: 600 }, 1000)).toMatchObject({ connections: 0, minutes: 1 });
      writer.addConnections([at(3100)]);
      writer.close();
      await reading(path, (reader) => {
        expect(reader.read("SELECT sum(opened) AS opened, count(*) AS count FROM minutes")).toEqual([
          { opened: 0, count: 1 },
        ]);
      });
    });
  });
});
