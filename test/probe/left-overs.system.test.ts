import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FlowTap } from "../../src/probe/flow-tap.ts";
import { cleanLeftOvers, findInterface } from "../../src/probe/tc-attach.ts";
import { listFilters, listHooks } from "../../src/probe/traffic-control.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { runCli } from "../support/run-process.ts";
import { canTap } from "./can-tap.ts";
import { ForeignClassifier, TC_ACT_UNSPEC } from "./foreign-classifier.ts";
import { udpSender, VethPair } from "./veth-pair.ts";

const { missing } = requires({ root: true, tool: ["ip", "python3"], kernel: canTap });

describe.skipIf(missing !== null)("classifiers of the flow tap, when its process ends", () => {
  let pair: VethPair;
  let index = 0;
  const children: ChildProcess[] = [];
  beforeAll(() => {
    pair = new VethPair();
    ({ index } = findInterface(pair.near));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });
  afterAll(() => pair.close());

  const start = async (args: readonly string[], filters = 2): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ["bin/run.js", ...args], {
      cwd: projectDir,
      stdio: ["ignore", "pipe", "ignore"],
    });
    children.push(child);
    for (const end = Date.now() + 20_000; listFilters(index).length < filters; await sleep(1)) {
      if (Date.now() > end || child.exitCode !== null) throw new Error(`${args.join(" ")} attached nothing`);
    }
    return child;
  };
  const ended = async (child: ChildProcess) => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  const nothingIsLeft = () => {
    expect(listFilters(index)).toEqual([]);
    expect(listHooks().filter(({ ifindex }) => ifindex === index)).toEqual([]);
  };

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("are gone after %s to a probe", async (signal) => {
    const child = await start(["probe", "flowtap", pair.near]);
    child.kill(signal);
    await ended(child);
    nothingIsLeft();
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("are gone after %s to a live session", async (signal) => {
    const child = await start(["top", pair.near, "--json", "--duration", "60"]);
    child.kill(signal);
    await ended(child);
    nothingIsLeft();
  });

  test("a live session ends at a signal while its thread loads a probe, and libbpf logs", async () => {
    for (const delayMs of [0, 8, 16, 24, 8, 16]) {
      const child = await start(["top", pair.near, "--json", "--duration", "60"]);
      await sleep(delayMs);
      child.kill("SIGINT");
      const hangs = sleep(20_000, "hangs", { ref: false });
      expect(await Promise.race([ended(child), hangs])).toBeUndefined();
      nothingIsLeft();
    }
  });

  test("are gone when the reader of a probe's output has gone", async () => {
    const child = await start(["probe", "flowtap", pair.near]);
    child.stdout?.destroy();
    for (const end = Date.now() + 10_000; child.exitCode === null && Date.now() < end; await sleep(100)) {
      pair.far(udpSender(pair.nearAddress, { ports: 3 }));
    }
    expect(child.exitCode).not.toBeNull();
    nothingIsLeft();
  });

  test("stay after a kill -9, until the next tap starts", async () => {
    const child = await start(["probe", "flowtap", pair.near]);
    child.kill("SIGKILL");
    await ended(child);
    expect(listFilters(index)).toHaveLength(2);
    const tap = new FlowTap({ interfaces: [pair.near] });
    expect(listFilters(index)).toHaveLength(2);
    tap.close();
    nothingIsLeft();
  });

  test("are taken away by doctor --clean after a kill in the middle of attaching; those of others and of the living stay", async () => {
    // as soon as the first of two is there
    const killed = await start(["probe", "flowtap", pair.near], 1);
    killed.kill("SIGKILL");
    await ended(killed);
    const leftOver = listFilters(index).length;
    expect(leftOver).toBeGreaterThan(0);
    const foreign = new ForeignClassifier(index, { verdict: TC_ACT_UNSPEC, priority: 9 });
    const { stderr } = await runCli(["doctor", "--clean", "--only", "run.*"]);
    expect(stderr.split("\n").filter((line) => line.startsWith(`${pair.near}: removed the`))).toHaveLength(leftOver);
    expect(listFilters(index).map(({ priority }) => priority)).toEqual([9]);

    const living = new FlowTap({ interfaces: [pair.near] });
    const again = await runCli(["doctor", "--clean", "--only", "run.*"]);
    expect(again.stderr).toContain("nothing was left behind");
    expect(listFilters(index)).toHaveLength(3);
    living.close();
    foreign.detach();
    // the clsact is of our making, though a killed tap's, and now it is empty
    expect(await cleanLeftOvers()).toEqual([`${pair.near}: removed the empty clsact`]);
    nothingIsLeft();
  });

  test("are not remembered once their network namespace is gone", async () => {
    const name = `l4scope-gone-${process.pid}`;
    execFileSync("ip", ["netns", "add", name]);
    let isThere = true;
    const removeNamespace = () => {
      if (isThere) execFileSync("ip", ["netns", "del", name]);
      isThere = false;
    };
    onTestFinished(removeNamespace);
    const inode = execFileSync("ip", ["netns", "exec", name, "stat", "-Lc", "%i", "/proc/self/ns/net"], {
      encoding: "utf8",
    });
    const records = () => readdirSync("/run/l4scope").filter((each) => each.startsWith(`clsact-${inode.trim()}-`));
    const child = spawn("ip", ["netns", "exec", name, process.execPath, "bin/run.js", "probe", "flowtap", "lo"], {
      cwd: projectDir,
      stdio: "ignore",
    });
    children.push(child);
    for (const end = Date.now() + 20_000; Date.now() < end && records().length === 0; ) await sleep(20);
    expect(records()).toHaveLength(1);
    // a living namespace's stays
    await cleanLeftOvers();
    expect(records()).toHaveLength(1);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    removeNamespace();
    await cleanLeftOvers();
    expect(records()).toEqual([]);
  });

  test("leave a clsact alone that someone else made", async () => {
    execFileSync("tc", ["qdisc", "add", "dev", pair.near, "clsact"]);
    const child = await start(["probe", "flowtap", pair.near]);
    child.kill("SIGKILL");
    await ended(child);
    expect(await cleanLeftOvers()).toHaveLength(2);
    expect(listHooks().some(({ ifindex }) => ifindex === index)).toBe(true);
    execFileSync("tc", ["qdisc", "del", "dev", pair.near, "clsact"]);
  });
});
