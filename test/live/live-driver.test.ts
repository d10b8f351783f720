import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { LiveDriver } from "../../src/live/live-driver.ts";
import type { LiveOptions } from "../../src/live/live-handle.ts";
import type { SettledConnection } from "../../src/live/live-model.ts";
import { MACHINE_TIMING } from "../../src/live/machine-timing.ts";
import { ReplayPace, type Timing } from "../../src/live/pace.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { projectDir } from "../support/requirement.ts";

const folder = join(projectDir, "fixtures/scenarios/dnat-backend-refusing");
const files = readdirSync(folder)
  .filter((file) => file.includes(".pcap"))
  .map((file) => join(folder, file));
const demo = join(projectDir, "fixtures/demo/lb1-eth0.pcap");

/** A clock that goes on when it is waited for. */
function turnedClock(): Timing & { waited: number } {
  const clock = {
    waited: 0,
    now: 100,
    seconds: () => clock.now,
    epochSeconds: () => 1_700_000_000 + clock.now,
    wait: async (seconds: number) => {
      clock.now += seconds;
      clock.waited += seconds;
    },
    work: () => ({ busy: 0, idle: clock.now }),
    breathe: async () => {
      clock.now += 0.001;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  return clock;
}

async function run(options: LiveOptions, timing: Timing = MACHINE_TIMING) {
  const settled: SettledConnection[] = [];
  const findings: string[] = [];
  const driver = new LiveDriver(
    options,
    {
      settled: (connections) => void settled.push(...connections),
      finding: ({ key }, change) => void findings.push(`${change} ${key}`),
    },
    timing,
  );
  await driver.start();
  return { driver, settled, findings };
}

describe("a replay", () => {
  it("takes as long as its packets took, divided by its speed", async () => {
    const analyzed = await analyzeCaptures(files, { timeBase: new TimeBase() });
    const { start, end } = analyzed.diagnosis.subject;
    for (const speed of [1, 10]) {
      const clock = turnedClock();
      const { driver } = await run({ sources: [{ kind: "replay", paths: files, speed }] }, clock);
      await driver.ended;
      const expected = (end - start) / 1e9 / speed;
      expect(clock.waited).toBeGreaterThan(expected * 0.5 - 0.1);
      expect(clock.waited).toBeLessThan(expected * 1.05 + 0.1);
      await driver.stop();
    }
  });

  it("keeps packets of what broke, draws ladders and shows findings", async () => {
    const sources = [{ kind: "replay", paths: files, speed: "max" }] as const;
    const { driver, settled, findings } = await run({ sources, keepBroken: true });
    await driver.ended;
    const model = driver.model();
    expect(model.health).toMatchObject({ state: "ended", failure: null, sampling: 1, evicted: 0 });
    expect(findings).toEqual([expect.stringMatching(/^opened backend\.refusing /), ...findings.slice(1)]);
    const broken = settled.filter(
      ({ connection }) => connection.outcome === "refused" || connection.outcome === "reset",
    );
    expect(broken.length).toBeGreaterThan(3);
    for (const { pcapng } of broken) expect(pcapng?.subarray(0, 4)).toEqual(Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a));
    expect(settled.filter(({ connection }) => connection.outcome === "ok").every(({ pcapng }) => pcapng === null)).toBe(
      true,
    );
    const [worst] = model.findings;
    const evidence = await driver.evidence(worst!.key);
    expect(evidence?.text).toContain("backend.refusing");
    expect(evidence?.packets).toBeGreaterThan(10);
    const { flows, matched } = await driver.flows({ finding: worst!.key, limit: 1 });
    expect(matched).toBe(worst!.finding.affected.connections);
    expect(worst!.finding.affected.examples.length).toBeGreaterThan(0);
    const ladder = await driver.ladder(flows[0]!.id, { columns: 100, rows: 20 });
    expect(ladder).toContain(`${flows[0]!.id} tcp`);
    expect(ladder).toContain("RST");
    expect(await driver.packets(flows[0]!.id)).not.toBeNull();
    expect(await driver.ladder("c999999", { columns: 100, rows: 20 })).toBeNull();
    expect(await driver.evidence("path.loss nowhere")).toBeNull();
    expect(model.series.opened.reduce((sum, count) => sum + count, 0)).toBe(model.vips[0]!.windows["15m"].connections);
    await driver.stop();
  });

  it("waits for whoever stores what is settled, and fails where that fails", async () => {
    const driver = new LiveDriver(
      { sources: [{ kind: "replay", paths: files, speed: "max" }] },
      { settled: () => Promise.reject(new Error("the disk is full; free some")) },
      MACHINE_TIMING,
    );
    await driver.start();
    await driver.ended;
    expect(driver.model().health).toMatchObject({ state: "failed", failure: "the disk is full; free some" });
  });

  it("can be stopped half-way, at any speed, and then has ended well", async () => {
    for (const speed of [1, "max"] as const) {
      const { driver, settled } = await run({ sources: [{ kind: "replay", paths: files, speed }] });
      await MACHINE_TIMING.wait(speed === 1 ? 0.4 : 0.01);
      await driver.stop();
      await driver.stop();
      expect(driver.model().health).toMatchObject({ state: "ended", failure: null });
      expect(driver.model().sources.map(({ state }) => state)).toEqual(files.map(() => "ended"));
      expect(new Set(settled.map(({ connection }) => connection.id)).size).toBe(settled.length);
    }
  });

  it("of what is no capture is refused before anything begins", async () => {
    const sources = [{ kind: "replay", paths: [join(projectDir, "package.json")], speed: 1 }] as const;
    await expect(run({ sources })).rejects.toThrow("it is no capture");
  });
});

describe("a capture on stdin", () => {
  it("is followed while it is written, and ends when asked although its writer is silent", async () => {
    const stdin = new PassThrough();
    stdin.write(readFileSync(demo));
    const { driver, settled } = await run({
      sources: [{ kind: "stream", path: "-", name: "lb9" }],
      stdin,
      settleSeconds: 1,
    });
    const deadline = Date.now() + 20_000;
    while (driver.model().health.packets < 751 && Date.now() < deadline) await MACHINE_TIMING.wait(0.1);
    expect(driver.model().health).toMatchObject({ state: "running", packets: 751 });
    expect(driver.model().sources[0]).toMatchObject({ name: "lb9", state: "running", points: ["lb9"], sampledOut: 0 });
    // with no packets coming, time goes on: what is over is settled
    while (settled.length === 0 && Date.now() < deadline) await MACHINE_TIMING.wait(0.1);
    expect(settled.length).toBeGreaterThan(10);
    await driver.stop();
    expect(driver.model().health.state).toBe("ended");
    const { diagnosis } = await analyzeCaptures([demo], { timeBase: new TimeBase() });
    expect(new Set(settled.map(({ connection }) => connection.id)).size).toBe(diagnosis.subject.connections.length);
  });

  it("stops by itself after the seconds asked for", async () => {
    const stdin = new PassThrough();
    createReadStream(demo).pipe(stdin, { end: false });
    const { driver } = await run({ sources: [{ kind: "stream", path: "-" }], stdin, durationSeconds: 0.5 });
    await driver.ended;
    expect(driver.model().health).toMatchObject({ state: "ended", failure: null, packets: 751 });
  });
});

describe("the pace of a replay", () => {
  it("can be stopped while it waits for a packet that comes in a year", async () => {
    const clock = turnedClock();
    const pace = new ReplayPace(1, clock);
    await pace.until(0, () => false);
    await pace.until(365 * 86_400e9, () => clock.waited > 5);
    expect(clock.waited).toBeLessThan(6);
  });
});
