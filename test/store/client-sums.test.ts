import { expect, test } from "vitest";
import { openForWriting } from "../../src/store/open-store.ts";
import { questionNamed } from "../../src/store/questions/questions.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import type { StoreReader } from "../../src/store/store-reader.ts";
import { StoreWriter } from "../../src/store/store-writer.ts";
import { FACTS, fill, reading, someConnections, withStore } from "./store-folder.ts";

const SOME = { connections: 3000, spanSeconds: 7200, clients: 100 };
const LISTED = `SELECT client, count(*) AS connections, sum(outcome IN ('refused', 'reset', 'timeout')) AS failed,
  sum(bytes_up) AS bytes_up, sum(bytes_down) AS bytes_down FROM connections WHERE health_check = 0 GROUP BY client ORDER BY client`;
const SUMMED = "SELECT * FROM clients ORDER BY client";

function expectSums(reader: StoreReader): number {
  const summed = reader.read(SUMMED);
  expect(summed).toEqual(reader.read(LISTED));
  return summed.length;
}

test("sums of clients are those of the connections that are there, also when the oldest were taken out", async () => {
  await withStore(async (path) => {
    const writer = await StoreWriter.open(path, FACTS);
    writer.addConnections(someConnections(SOME));
    writer.flush();
    expect(await reading(path, expectSums)).toBe(100);
    expect(writer.prune({ keepSeconds: 60 }, 60_000)?.connections).toBeGreaterThan(2000);
    const left = await reading(path, expectSums);
    expect(left).toBeGreaterThan(5);
    expect(left).toBeLessThan(100);
    writer.close();
  });
});

test("an older store gets its sums when it is opened for writing", async () => {
  await withStore(async (path) => {
    await fill(path, someConnections(SOME));
    const older = await openForWriting(path);
    older.exec("DROP TABLE clients");
    older.pragma(`user_version = ${MIGRATIONS[0]!.version}`);
    older.close();
    await expect(reading(path, expectSums)).rejects.toThrow("a store of an older l4scope (schema 1)");
    (await openForWriting(path)).close();
    expect(await reading(path, expectSums)).toBe(100);
  });
});

test("who was busiest is the same, told of all or of a window that holds all", async () => {
  await withStore(async (path) => {
    await fill(path, someConnections(SOME));
    await reading(path, (reader) => {
      const question = questionNamed("busiest-clients")!;
      const whole = reader.ask(question, {});
      expect(whole.rows).toHaveLength(20);
      const windowed = reader.ask({ ...question, wholeSql: question.sql }, {});
      expect(whole).toEqual(windowed);
      const [row] = reader.read("SELECT CAST(min(start_ns) AS TEXT) AS first FROM connections");
      const from = BigInt(String(row!.first)) + 1n;
      const part = reader.ask(question, { window: { from, to: 2n ** 62n }, limit: 1000 });
      const total = part.rows.reduce((sum, cells) => sum + Number(cells[1]), 0);
      expect(total).toBe(
        reader.ask(question, { limit: 1000 }).rows.reduce((sum, cells) => sum + Number(cells[1]), 0) - 1,
      );
    });
  });
});
