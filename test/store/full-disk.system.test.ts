import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { StoreWriter } from "../../src/store/store-writer.ts";
import { mayMount, withSmallDisk } from "../support/small-disk.ts";
import { FACTS, reading, someConnections } from "./store-folder.ts";

const canMount = mayMount();

describe.skipIf(canMount.missing)("a full disk", () => {
  test("is said once, costs what finds no room, and is gone when there is room", async () => {
    await withSmallDisk(8_000_000, async (folder) => {
      const path = join(folder, "l4.db");
      const notices: string[] = [];
      const writer = await StoreWriter.open(path, FACTS, {
        maxWaiting: { rows: 3000, bytes: 1_000_000 },
        onNotice: (line) => notices.push(line),
      });
      const connections = someConnections({ connections: 60_000 });
      // something else takes the room that there is, and gives it back later
      const other = join(folder, "other");
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(other, Buffer.alloc(bavail * bsize - 2_000_000));

      let at = 0;
      const add = (count: number) => {
        for (const end = at + count; at < end; at += 500) {
          writer.addConnections(connections.slice(at, at + 500));
          writer.flush();
        }
      };
      add(30_000);
      expect(notices).toEqual([
        `${path}: no space left on the device; make room, or keep less with --keep; new rows wait in memory, the oldest are dropped`,
      ]);
      expect(writer.stats.trouble).toContain("no space left on the device");
      expect(writer.stats.waiting).toBeLessThanOrEqual(3000);
      expect(writer.stats.dropped).toBeGreaterThan(10_000);
      const { connections: committed } = writer.stats;

      // what was committed before can be read meanwhile
      await reading(path, (reader) => {
        expect(reader.read("SELECT count(*) AS count FROM connections")[0]?.count).toBe(committed);
      });

      rmSync(other);
      add(2000);
      expect(notices).toHaveLength(2);
      expect(notices[1]).toMatch(/writing again; \d+ rows were dropped so far$/);
      expect(writer.stats).toMatchObject({ trouble: null, waiting: 0 });
      writer.close();
      await reading(path, (reader) => {
        const [row] = reader.read(
          "SELECT (SELECT count(*) FROM connections) AS kept, (SELECT sum(opened + checks_ok + checks_failed) FROM minutes) AS counted, (SELECT dropped FROM runs) AS dropped",
        );
        expect(Number(row?.kept) + Number(row?.dropped)).toBe(at);
        expect(row?.counted).toBe(row?.kept);
        expect(reader.read("PRAGMA integrity_check")[0]?.integrity_check).toBe("ok");
      });
    });
  });

  test("from the beginning is an error in a line", async () => {
    await withSmallDisk(100_000, async (folder) => {
      const opening = StoreWriter.open(join(folder, "l4.db"), FACTS);
      await expect(opening).rejects.toThrow(/l4\.db: no space left on the device; make room/);
    });
  });
});
