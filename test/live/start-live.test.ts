import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { CaptureError } from "../../src/capture/reader.ts";
import { startLive } from "../../src/live/start-live.ts";
import { projectDir } from "../support/requirement.ts";
import { writeShortConnections } from "./short-connections-file.ts";

const folder = mkdtempSync(join(tmpdir(), "l4scope-live-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CONNECTIONS = 30_000;

/** The longest that a thread of its own that only runs a timer is late, ms: what the machine itself takes away. */
function idleThread(): { stop(): Promise<number> } {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     let last = performance.now(); let most = 0;
     setInterval(() => { const now = performance.now(); most = Math.max(most, now - last - 5); last = now; }, 5);
     parentPort.on("message", () => { parentPort.postMessage(most); process.exit(); });`,
    { eval: true },
  );
  return {
    stop: () =>
      new Promise((resolve) => {
        worker.once("message", resolve);
        worker.postMessage("stop");
      }),
  };
}

describe("a session in a thread of its own", () => {
  it("does not hold its caller up, answers meanwhile, and tells each connection once", async () => {
    const path = join(folder, "short.pcap");
    writeShortConnections(path, CONNECTIONS, 3000, 50);
    const idle = idleThread();
    const ids = new Set<string>();
    let told = 0;
    let sequence = 0;
    const live = await startLive(
      { sources: [{ kind: "replay", paths: [path], speed: 5 }], maxFlows: 20_000 },
      {
        settled: (connections) => {
          told += connections.length;
          for (const { connection } of connections) ids.add(connection.id);
        },
        model: (model) => {
          expect(model.sequence).toBeGreaterThan(sequence);
          sequence = model.sequence;
        },
      },
    );
    // how long this thread was at work in one go; how late its timers are tells of the machine, too
    let last = performance.eventLoopUtilization();
    let most = 0;
    const timer = setInterval(() => {
      const now = performance.eventLoopUtilization();
      most = Math.max(most, performance.eventLoopUtilization(now, last).active);
      last = now;
    }, 5);
    const answers = setInterval(() => void live.flows({ limit: 50, sort: "bytes" }), 250);
    await live.ended;
    clearInterval(timer);
    clearInterval(answers);
    const { health, metrics } = live.model();
    expect(health).toMatchObject({ state: "ended", packets: CONNECTIONS * 7 - (CONNECTIONS / 50) * 2 });
    expect([told, ids.size]).toEqual([CONNECTIONS, CONNECTIONS]);
    expect(metrics.connections_total.reduce((sum, { value }) => sum + value, 0)).toBe(CONNECTIONS);
    const own = await idle.stop();
    process.stdout.write(
      `longest turn of the event loop ${most.toFixed(0)} ms; an idle thread was late by ${own.toFixed(0)} ms\n`,
    );
    // on a machine that is busy with other things every turn takes longer
    expect(most).toBeLessThan(50 + own);
    // the session still answers after its end
    expect((await live.flows({ limit: 3 })).flows).toHaveLength(3);
    await live.stop();
    expect((await live.flows({ limit: 3 })).flows).toEqual([]);
  }, 120_000);

  it("is refused with the line that its source fails with", async () => {
    const sources = [{ kind: "replay", paths: [join(projectDir, "no-such.pcap")], speed: "max" }] as const;
    await expect(startLive({ sources })).rejects.toThrow(CaptureError);
    await expect(startLive({ sources })).rejects.toThrow("no such file");
  }, 30_000);
});
