import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { TcplifeEvent } from "../../probes/tcplife/decode.ts";
import { openProbe } from "../../src/probe/open-probe.ts";
import { BCC_TCPLIFE } from "../support/bcc-tcplife.ts";
import { requires } from "../support/requirement.ts";
import { PROBE_NEEDS, ProbeLab } from "./probe-lab.ts";

const need = requires({ ...PROBE_NEEDS, tool: [...PROBE_NEEDS.tool, "tcplife"] });

interface BccLine {
  comm: string;
  sentKb: string;
  receivedKb: string;
  ms: number;
}

test.skipIf(need.missing)("tcplife sees bcc's connections, bytes and durations", async () => {
  const lab = await ProbeLab.create();
  const [file = "", ...args] = BCC_TCPLIFE;
  const bcc = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  bcc.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  const probe = await openProbe("tcplife", { filter: { netns: lab.netns } });
  const ours: TcplifeEvent[] = [];
  try {
    // its header comes when it is attached
    for (let i = 0; i < 200 && !text.includes("LADDR"); i++) await sleep(50);
    await lab.traffic();
    await sleep(500);
    probe.poll((event) => ours.push(event));
  } finally {
    probe.close();
    const ended = once(bcc, "exit");
    bcc.kill("SIGINT");
    await ended;
    await lab.close();
  }
  const theirs = parse(text);
  expect(ours.length).toBeGreaterThan(10);
  for (const event of ours) {
    const [line] = (theirs.get(`${event.local.port} ${event.remote.port}`) ?? []).slice(-1);
    expect(line, `bcc has no line of ${event.local.port} to ${event.remote.port}`).toBeDefined();
    if (line === undefined) continue;
    expect([line.sentKb, line.receivedKb]).toEqual(
      [event.sentBytes, event.receivedBytes].map((bytes) => (bytes / 1024).toFixed(2)),
    );
    // the two read the clock one after the other
    expect(Math.abs(line.ms - event.durationSeconds * 1e3)).toBeLessThan(1);
    // for an accepted connection bcc takes whatever process runs when the last packet comes
    if (event.role === "connect") expect(line.comm).toBe(event.comm);
  }
});

/** Lines by local and remote port. */
function parse(text: string): Map<string, BccLine[]> {
  const lines = new Map<string, BccLine[]>();
  for (const line of text.split("\n")) {
    const fields = /^\d+\s+(\S+)\s+\S+\s+(\d+)\s+\S+\s+(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s*$/.exec(line);
    if (fields === null) continue;
    const [, comm = "", local, remote, sentKb = "", receivedKb = "", ms] = fields;
    const key = `${local} ${remote}`;
    lines.set(key, [...(lines.get(key) ?? []), { comm, sentKb, receivedKb, ms: Number(ms) }]);
  }
  return lines;
}
