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
/** Connections that begin in a second of the capture's time, of which ten go by in one. */
const PER_SECOND = 100;
const SPEED = 10;
/** A connection is told this long after its end, of the capture's time. */
const SETTLES_SECONDS = 15;
/** Of the clock: the next look after that and a commit each second. Looks are a second apart where the machine is idle. */
const LOOK_SECONDS = 5;
const COMMIT_SECONDS = 1;

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
 * Feeds a recorder with connections ten times as fast as they were, until it is told to stop or the recorder is gone.
 *
 * @returns for a time of this process, the second of the capture that was fed by then
 */
function feed(child: ChildProcess, isDone: () => boolean): (at: number) => number {
  const traffic = new ShortConnections(PER_SECOND);
  const fed: { at: number; second: number }[] = [];
  const began = performance.now();
  child.stdin?.write(pcapHeader());
  void (async () => {
    while (!isDone() && child.exitCode === null && child.signalCode === null) {
      const due = Math.floor(((performance.now() - began) / 1000) * SPEED * PER_SECOND);
      while (traffic.made < due) child.stdin?.write(pcapRecords(traffic.fill(Math.min(500, due - traffic.made))));
      fed.push({ at: performance.now(), second: traffic.made / PER_SECOND });
      await sleep(20);
    }
    child.stdin?.end();
  })();
  return (at) => fed.findLast((one) => one.at <= at)?.second ?? 0;
}

interface Kept {
  integrity: unknown;
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

test(
  `killed ${KILLS} times, a recording is whole but for what was not committed`,
  async () => {
    await inFolder(async (folder) => {
      const lost: number[] = [];
      const stores: Kept[] = [];
      for (let round = 0; round < KILLS; round++) {
        const path = join(folder, `${round}.db`);
        const { child, said } = startRecord(path);
        const exited = once(child, "exit");
        const fedBy = feed(child, () => false);
        const began = performance.now();
        while ((await committed(path)) === 0 && performance.now() - began < 30_000) await sleep(100);
        await sleep(Math.random() * 4000);
        const killedAt = performance.now();
        child.kill("SIGKILL");
        expect(await exited, said()).toEqual([null, "SIGKILL"]);
        const store = await kept(path);
        stores.push(store);
        expect(store.integrity, `round ${round}`).toBe("ok");
        const { connections } = store;
        expect(connections.size).toBeGreaterThan(0);
        let first = 0;
        while (connections.has(first)) first++;
        // connections are told in the order in which they began: what is lost is the end
        expect(first, `round ${round}`).toBe(connections.size);
        const missingSince = (at: number) => fedBy(at) - SETTLES_SECONDS > first / PER_SECOND;
        let seconds = 0;
        while (missingSince(killedAt - seconds * 1000)) seconds += 0.05;
        lost.push(seconds);
      }
      console.log(
        `seconds from when the first lost connection was over for long enough to the kill: ${lost.map((one) => one.toFixed(2)).join(" ")}`,
      );
      for (const seconds of lost) expect(seconds).toBeLessThan(LOOK_SECONDS + COMMIT_SECONDS);

      // what a recording that was ended well has of the same connections
      const path = join(folder, "whole.db");
      const { child } = startRecord(path);
      const exited = once(child, "exit");
      let isDone = false;
      const fedBy = feed(child, () => isDone);
      const most = Math.max(...stores.map(({ connections }) => Math.max(...connections.keys())));
      while (fedBy(performance.now()) * PER_SECOND <= most) await sleep(50);
      isDone = true;
      expect(await exited).toEqual([0, null]);
      const whole = await kept(path);
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
