import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { LiveDriver } from "../../src/live/live-driver.ts";
import type { SettledConnection } from "../../src/live/live-model.ts";
import { MACHINE_TIMING } from "../../src/live/machine-timing.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { requires } from "../support/requirement.ts";
import { canTap } from "./can-tap.ts";
import { VethPair } from "./veth-pair.ts";

const { missing } = requires({ root: true, tool: ["ip", "python3", "tcpdump"], kernel: canTap });
const SOURCE = new URL("../../src/probe/flow-tap-source.ts", import.meta.url).href;

/** Python that makes `count` connections, one after another; each sends a request and reads until the end. */
const caller = (address: string, port: number, count: number, pauseSeconds = 0) => [
  "python3",
  "-c",
  `
import socket, time
for _ in range(${count}):
    try:
        c = socket.create_connection(("${address}", ${port}))
        c.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while c.recv(65536):
            if ${pauseSeconds}:
                time.sleep(${pauseSeconds})
                c.sendall(b"again")
        c.close()
    except OSError:
        pass
`,
];

describe.skipIf(missing !== null)("a live session on the flow tap, beside tcpdump and analyze", () => {
  let pair: VethPair;
  let folder: string;
  beforeAll(() => {
    pair = new VethPair();
    folder = mkdtempSync(join(tmpdir(), "l4scope-tap-"));
  });
  afterAll(() => {
    pair.close();
    rmSync(folder, { recursive: true });
  });

  /** Watches the same traffic both ways. */
  const watch = async (traffic: () => Promise<void>) => {
    const file = join(folder, `${Math.random().toString(36).slice(2)}.pcap`);
    const dump: ChildProcess = spawn("tcpdump", ["-i", pair.near, "-w", file, "-U", "-s", "256"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    // "listening on"
    if (dump.stderr) await once(dump.stderr, "data");
    const settled: SettledConnection[] = [];
    const findings = new Set<string>();
    const driver = new LiveDriver(
      { sources: [{ kind: "interface", names: [pair.near], module: SOURCE }] },
      {
        settled: (connections) => void settled.push(...connections),
        finding: ({ finding }) => void findings.add(finding.id),
      },
      MACHINE_TIMING,
    );
    const from = Date.now();
    await driver.start();
    await traffic();
    await sleep(1500);
    await driver.stop();
    const to = Date.now();
    dump.kill("SIGINT");
    await once(dump, "exit");
    const { diagnosis } = await analyzeCaptures([file], { timeBase: new TimeBase() });
    const { subject } = diagnosis;
    return {
      model: driver.model(),
      settled,
      spanMs: [from, to] as const,
      live: { outcomes: settled.map(({ connection }) => connection.outcome).sort(), findings: [...findings].sort() },
      offline: {
        outcomes: subject.connected.connections.map((each) => subject.outcome(each)).sort(),
        // what it says of tcpdump's own seeing offload at work
        findings: diagnosis.findings
          .map(({ id }) => id)
          .filter((id) => id !== "capture.offload")
          .sort(),
      },
    };
  };
  const listen = async (answer: (socket: Socket) => void): Promise<{ server: Server; port: number }> => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      answer(socket);
    });
    await new Promise<void>((done) => server.listen(0, pair.nearAddress, done));
    const address = server.address();
    return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
  };
  const call = async (port: number, count: number, pauseSeconds?: number) => {
    await once(pair.startFar(caller(pair.nearAddress, port, count, pauseSeconds)), "exit");
  };

  test("finds nothing in healthy connections, short and long, and the same of each", async () => {
    const short = await listen((socket) => socket.on("data", () => socket.end(Buffer.alloc(20_000))));
    const bulk = await listen((socket) => socket.once("data", () => socket.end(Buffer.alloc(200_000_000))));
    const { live, offline, model, settled, spanMs } = await watch(async () => {
      await Promise.all([call(short.port, 60), call(bulk.port, 2)]);
    });
    short.server.close();
    bulk.server.close();
    expect(offline).toEqual({ outcomes: Array(62).fill("ok"), findings: [] });
    expect(live).toEqual(offline);
    expect(model.health.lost).toBe(0);
    // counts are the kernel's: bulk that was never shown is in them, less headers as those shown had them
    const bytes = settled.reduce((sum, { connection }) => sum + connection.bytes.down, 0);
    expect(bytes).toBeGreaterThan(0.995 * (2 * 200_000_000 + 60 * 20_000));
    // a packet that is shown after its flow was last counted is in both
    expect(bytes).toBeLessThan(1.02 * (2 * 200_000_000 + 60 * 20_000));
    for (const { connection } of settled) {
      expect(Number(connection.start) * 1000).toBeGreaterThan(spanMs[0] - 1);
      expect(Number(connection.end) * 1000).toBeLessThan(spanMs[1] + 1);
      expect(connection.legs[0]?.observationPoint.split(":")[1]).toBe(pair.near);
    }
  });

  test("says the same of a port that nobody listens on", async () => {
    const { server, port } = await listen(() => {});
    server.close();
    const { live, offline } = await watch(() => call(port, 40));
    expect(offline.outcomes).toEqual(Array(40).fill("refused"));
    expect(live).toEqual(offline);
  });

  test("says the same of a backend that aborts", async () => {
    const { server, port } = await listen((socket) => socket.on("data", () => socket.resetAndDestroy()));
    const { live, offline } = await watch(() => call(port, 40));
    server.close();
    expect(offline.outcomes).toEqual(Array(40).fill("reset"));
    expect(offline.findings).not.toEqual([]);
    expect(live).toEqual(offline);
  });

  test("says the same of connections that fall silent and are cut off after a while", async () => {
    const { server, port } = await listen((socket) => {
      let timer = setTimeout(() => {}, 0);
      socket.on("data", () => {
        clearTimeout(timer);
        socket.write(Buffer.alloc(1000));
        timer = setTimeout(() => socket.resetAndDestroy(), 1200);
      });
      socket.on("close", () => clearTimeout(timer));
    });
    const { live, offline } = await watch(async () => {
      await Promise.all(Array.from({ length: 8 }, () => call(port, 1, 1.5)));
    });
    server.close();
    expect(offline.outcomes).toEqual(Array(8).fill("reset"));
    expect(live).toEqual(offline);
  });
});
