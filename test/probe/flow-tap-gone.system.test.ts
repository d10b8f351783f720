import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LiveSource } from "../../src/capture/live-source.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import { LiveDriver } from "../../src/live/live-driver.ts";
import { MACHINE_TIMING } from "../../src/live/machine-timing.ts";
import { recordedClsacts } from "../../src/probe/clsact-record.ts";
import { openLiveSource } from "../../src/probe/flow-tap-source.ts";
import { findInterface } from "../../src/probe/tc-attach.ts";
import { listFilters } from "../../src/probe/traffic-control.ts";
import { requires } from "../support/requirement.ts";
import { runCli } from "../support/run-process.ts";
import { canTap } from "./can-tap.ts";
import { udpSender, VethPair } from "./veth-pair.ts";

const { missing } = requires({ root: true, tool: ["ip", "python3"], kernel: canTap });
const SOURCE = new URL("../../src/probe/flow-tap-source.ts", import.meta.url).href;
const remove = (name: string) => execFileSync("ip", ["link", "del", name]);

describe.skipIf(missing !== null)("an interface that is deleted while it is watched", () => {
  let pairs: VethPair[];
  let names: string[];
  beforeAll(() => {
    pairs = [new VethPair(), new VethPair(), new VethPair(), new VethPair()];
    names = pairs.map(({ near }) => near);
  });
  afterAll(() => {
    for (const pair of pairs) pair.close();
  });

  /** Reads until a packet came, it fails, or `seconds` are over. */
  const read = async (source: LiveSource, seconds: number, isEnough: () => boolean): Promise<number> => {
    let packets = 0;
    for (const until = Date.now() + seconds * 1000; Date.now() < until && !isEnough(); ) {
      packets += (await source.next(100))?.count ?? 0;
    }
    return packets;
  };

  test("is told of, the others go on, and without any the source fails once all is handed on", async () => {
    const [first = "", second = ""] = names;
    const source = openLiveSource([first, second], { timeBase: new TimeBase(), options: {} });
    await source.start();
    const indices = [first, second].map((name) => findInterface(name).index);
    try {
      remove(first);
      await read(source, 5, () => source.problems.length > 0);
      expect(source.problems.map(({ message }) => message)).toEqual([`${first} is gone`]);

      // before Linux 6.2 only what is down can be renamed
      for (const change of [["down"], ["name", `${second}x`]]) execFileSync("ip", ["link", "set", second, ...change]);
      execFileSync("ip", ["link", "set", `${second}x`, "up"]);
      pairs[1]?.far(udpSender(pairs[1].nearAddress, { ports: 3 }));
      expect(await read(source, 2, () => false)).toBeGreaterThanOrEqual(3);
      expect(source.problems).toHaveLength(1);

      pairs[1]?.far(udpSender(pairs[1].nearAddress, { ports: 2 }));
      remove(`${second}x`);
      let packets = 0;
      const failing = async () => {
        for (;;) packets += (await source.next(100))?.count ?? 0;
      };
      await expect(failing()).rejects.toThrow(new RegExp(`^${first} is gone, ${second} is gone$`));
      expect(packets).toBeGreaterThanOrEqual(2);
      expect(source.lost()).toBe(0);
    } finally {
      await source.stop();
    }
    expect(recordedClsacts().filter((index) => indices.includes(index))).toEqual([]);
  });

  test("ends a live session that watched nothing else", async () => {
    const name = names[2] ?? "";
    const driver = new LiveDriver(
      { sources: [{ kind: "interface", names: [name], module: SOURCE }] },
      {},
      MACHINE_TIMING,
    );
    await driver.start();
    remove(name);
    await driver.ended;
    expect(driver.model().health).toMatchObject({ state: "failed", failure: `${name} is gone` });
  });

  test("ends probe flowtap with what it counted and a line that says why", async () => {
    const name = names[3] ?? "";
    const { index } = findInterface(name);
    const running = runCli(["probe", "flowtap", name, "--duration", "60"]);
    for (const end = Date.now() + 20_000; Date.now() < end && listFilters(index).length < 2; ) await sleep(20);
    pairs[3]?.far(udpSender(pairs[3].nearAddress, { ports: 2 }));
    remove(name);
    const { exitCode, stdout, stderr } = await running;
    expect(exitCode).toBe(1);
    expect(stdout.split("\n").filter((line) => line.includes(" first ")).length).toBeGreaterThanOrEqual(2);
    expect(stderr).toMatch(/packets of \d+ directions of conversations were counted/);
    expect(stderr).toContain(`${name} is gone`);
  });
});
