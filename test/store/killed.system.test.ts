import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { openForWriting } from "../../src/store/open-store.ts";
import { projectDir } from "../support/requirement.ts";
import { fill, reading, someConnections, withStore } from "./store-folder.ts";

const ROUNDS = 20;

/** Starts a process that writes, kills it after a while, and returns how many connections it said are committed. */
function writeAndKill(path: string, afterMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", "test/store/writing-process.ts", path], {
      cwd: projectDir,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_OPTIONS: undefined, VITEST: undefined },
    });
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => {
      // starting takes its time: what is random is when it dies after it began to write
      if (said === "") setTimeout(() => child.kill("SIGKILL"), afterMs);
      said += bytes.toString();
    });
    child.on("error", reject);
    child.on("close", () => resolve(Number(said.trimEnd().split("\n").at(-1))));
  });
}

test(`killed ${ROUNDS} times while it writes, a store is whole and has what was committed`, async () => {
  await withStore(async (path) => {
    for (let round = 1; round <= ROUNDS; round++) {
      const committed = await writeAndKill(path, 10 + Math.random() * 400);
      const database = await openForWriting(path);
      try {
        expect(database.pragma("integrity_check", { simple: true }), `round ${round}`).toBe("ok");
        expect(database.prepare("SELECT max(id) FROM runs").pluck().get()).toBe(round);
        const count = (sql: string) => Number(database.prepare(sql).pluck().get(round));
        const kept = count("SELECT count(*) FROM connections WHERE run = ?");
        expect(kept, `round ${round}`).toBeGreaterThanOrEqual(committed);
        // commits are whole: counts and packets are those of the connections that are there
        expect(count("SELECT sum(opened + checks_ok + checks_failed) FROM minutes WHERE run = ?")).toBe(kept);
        expect(count("SELECT count(*) FROM evidence WHERE run = ?")).toBe(kept);
        expect(count("SELECT ended_ns IS NULL FROM runs WHERE id = ?")).toBe(1);
      } finally {
        database.close();
      }
    }
    // and it can go on
    await fill(path, someConnections({ connections: 100 }));
    await reading(path, (reader) => {
      expect(reader.read("SELECT count(*) AS count FROM runs")[0]?.count).toBe(ROUNDS + 1);
    });
  });
}, 240_000);
