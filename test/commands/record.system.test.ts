import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openForWriting } from "../../src/store/open-store.ts";
import { ShortConnections } from "../live/short-connections.ts";
import { pcapHeader, pcapRecords } from "../live/short-connections-file.ts";
import { reading } from "../store/store-folder.ts";
import { projectDir } from "../support/requirement.ts";
import { mayMount, withSmallDisk } from "../support/small-disk.ts";

/** L4SCOPE_KILLS=20 kills as often. */
const KILLS = Number(process.env.L4SCOPE_KILLS ?? 3);
/** Connections that begin in a second; each is over in 1.2 ms, but for every fiftieth, which stays open. */
const PER_SECOND = 500;
const OPEN_EVERY = 50;
/** A killed recording lacks no connection that was over, or had been open for a second, for longer than this. */
const LOST_SECONDS = 1;
const YOUNG_SECONDS = 1;

function startRecord(store: string): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, ["bin/run.js", "record", "-", "--store", store], {
    cwd: projectDir,
    env: { ...process.env, NODE_ENV: undefined, NODE_OPTIONS: undefined, VITEST: undefined },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (bytes) => {
    stderr += bytes;
  });
  child.stdin?.on("error", () => {});
  return { child, said: () => stderr };
}

/**
 * Feeds a recorder with connections as they happen, until it is told to stop or the recorder is gone.
 *
 * @returns when a connection was fed, by its number, as `performance.now()` says it; NaN where it was not
 */
function feed(child: ChildProcess, isDone: () => boolean): { fedAt: (number: number) => number; made: () => number } {
  const traffic = new ShortConnections(PER_SECOND, OPEN_EVERY);
  const fed: { at: number; made: number }[] = [];
  const began = performance.now();
  child.stdin?.write(pcapHeader());
  void (async () => {
    while (!isDone() && child.exitCode === null && child.signalCode === null) {
      const due = Math.floor(((performance.now() - began) / 1000) * PER_SECOND);
      while (traffic.made < due) child.stdin?.write(pcapRecords(traffic.fill(Math.min(500, due - traffic.made))));
      fed.push({ at: performance.now(), made: traffic.made });
      await sleep(20);
    }
    child.stdin?.end();
  })();
  return {
    fedAt: (number) => fed.find(({ made }) => made > number)?.at ?? Number.NaN,
    made: () => traffic.made,
  };
}

interface Kept {
  integrity: unknown;
  /** Connections by the counts of minutes. */
  counted: unknown;
  /** Of each connection by its number: what the store says of it. */
  connections: Map<number, string>;
}

async function kept(path: string): Promise<Kept> {
  const database = await openForWriting(path);
  try {
    const rows = database
      .prepare(
        "SELECT client, start_ns, outcome, bytes_up, bytes_down, packets_up, packets_down, history FROM connections",
      )
      .all() as Record<string, string | number | bigint>[];
    const numberOf = (client: string) =>
      client.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0) & 0xffffff;
    return {
      integrity: database.pragma("integrity_check", { simple: true }),
      counted: database.prepare("SELECT sum(opened + checks_ok + checks_failed) FROM minutes").pluck().get(),
      connections: new Map(
        rows.map(({ client, ...rest }) => [numberOf(String(client)), Object.values(rest).join(" ")] as const),
      ),
    };
  } finally {
    database.close();
  }
}

/** Connections in a store that another process writes; 0 while there is none. */
async function committed(path: string): Promise<number> {
  if (!existsSync(path)) return 0;
  try {
    return await reading(path, (reader) => Number(reader.read("SELECT count(*) AS count FROM connections")[0]?.count));
  } catch {
    // it is being made
    return 0;
  }
}

async function inFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-record-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How long before a kill the first connection was fed that is behind all that are in a store; 0 for none. */
function lostSeconds(
  { connections }: Kept,
  { fedAt, made }: ReturnType<typeof feed>,
  killedAt: number,
  isOne: (number: number) => boolean,
): number {
  let first = made();
  while (first > 0 && !(isOne(first - 1) && connections.has(first - 1))) first--;
  while (first < made() && !isOne(first)) first++;
  const at = fedAt(first);
  return at < killedAt ? (killedAt - at) / 1000 : 0;
}

test(
  `killed ${KILLS} times, a recording is whole but for its last second`,
  async () => {
    await inFolder(async (folder) => {
      const lost: { closed: number; open: number }[] = [];
      const stores: Kept[] = [];
      for (let round = 0; round < KILLS; round++) {
        const path = join(folder, `${round}.db`);
        const { child, said } = startRecord(path);
        const exited = once(child, "exit");
        const began = performance.now();
        while (!existsSync(path) && performance.now() - began < 30_000) await sleep(20);
        const fed = feed(child, () => false);
        while ((await committed(path)) === 0 && performance.now() - began < 30_000) await sleep(100);
        await sleep(Math.random() * 10_000);
        const killedAt = performance.now();
        child.kill("SIGKILL");
        expect(await exited, said()).toEqual([null, "SIGKILL"]);
        const store = await kept(path);
        stores.push(store);
        expect(store.integrity, `round ${round}`).toBe("ok");
        expect(store.counted, `round ${round}`).toBe(store.connections.size);
        const isOpen = (number: number) => number % OPEN_EVERY === 0;
        const newest = Math.max(...store.connections.keys());
        const missing = Array.from({ length: newest }, (_, number) => number).filter((number) => {
          return !isOpen(number) && !store.connections.has(number);
        });
        expect(missing, `round ${round}`).toEqual([]);
        lost.push({
          closed: lostSeconds(store, fed, killedAt, (number) => !isOpen(number)),
          open: Math.max(0, lostSeconds(store, fed, killedAt, isOpen) - YOUNG_SECONDS),
        });
      }
      const text = (which: "closed" | "open") => lost.map((one) => one[which].toFixed(2)).join(" ");
      console.log(`seconds lost of connections that were over: ${text("closed")}; of open ones: ${text("open")}`);
      for (const { closed, open } of lost) {
        expect(closed).toBeLessThan(LOST_SECONDS);
        expect(open).toBeLessThan(LOST_SECONDS);
      }

      // what a recording that was ended well has of the same connections
      const path = join(folder, "whole.db");
      const { child } = startRecord(path);
      const exited = once(child, "exit");
      let isDone = false;
      const { made } = feed(child, () => isDone);
      const most = Math.max(...stores.map(({ connections }) => Math.max(...connections.keys())));
      while (made() <= most) await sleep(50);
      isDone = true;
      expect(await exited).toEqual([0, null]);
      const whole = await kept(path);
      expect(whole.connections.size).toBe(made());
      for (const { connections } of stores) {
        for (const [number, text] of connections) expect(text).toBe(whole.connections.get(number));
      }
    });
  },
  60_000 + KILLS * 20_000,
);

const canMount = mayMount();

describe.skipIf(canMount.missing)("a recording whose disk gets full", () => {
  test("says so in a line, goes on, and writes again when there is room", async () => {
    await withSmallDisk(8 * 1024 * 1024, async (folder) => {
      const path = join(folder, "l4.db");
      const { child, said } = startRecord(path);
      const exited = once(child, "exit");
      let isDone = false;
      feed(child, () => isDone);
      const until = async (holds: () => boolean, what: string) => {
        for (let i = 0; !holds(); i++) {
          if (i > 600 || child.exitCode !== null) throw new Error(`not ${what}: ${said()}`);
          await sleep(50);
        }
      };
      await until(() => existsSync(path), "opened");
      // something else takes the room
      const other = join(folder, "other");
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(other, Buffer.alloc(bavail * bsize - 300_000));
      await until(() => said().includes("no space left"), "said");
      expect(said().match(/no space left on the device; make room/g)).toHaveLength(1);
      await sleep(1000);
      expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      rmSync(other);
      await until(() => said().includes("writing again"), "written again");
      isDone = true;
      expect(await exited).toEqual([0, null]);
      const { integrity, connections } = await kept(path);
      expect(integrity).toBe("ok");
      expect(connections.size).toBeGreaterThan(1000);
    });
  }, 90_000);
});
