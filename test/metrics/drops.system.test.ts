import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canTap } from "../probe/can-tap.ts";
import { udpSender, VethPair } from "../probe/veth-pair.ts";
import { projectDir, requires } from "../support/requirement.ts";

const { missing } = requires({ root: true, tool: ["ip", "python3"], kernel: canTap });

/** `serve` in the other namespace, where nothing but this test's packets goes. */
describe.skipIf(missing)("packets that the kernel drops", () => {
  let pair: VethPair;
  let serving: ChildProcess;
  let url = "";
  let said = "";

  beforeAll(async () => {
    pair = new VethPair();
    const command = [process.execPath, "bin/run.js", "serve", "far", "--listen", "127.0.0.1:0"];
    serving = spawn("ip", ["netns", "exec", pair.namespace, ...command], {
      cwd: projectDir,
      env: { ...process.env, NODE_ENV: undefined },
      stdio: ["ignore", "ignore", "pipe"],
    });
    for await (const bytes of serving.stderr!) {
      said += String(bytes);
      url = /serving (\S+)\/metrics/.exec(said)?.[1] ?? "";
      if (url !== "") break;
    }
  });
  afterAll(async () => {
    serving.kill("SIGTERM");
    if (serving.exitCode === null && serving.signalCode === null) await once(serving, "exit");
    pair.close();
  });

  const scrape = () =>
    pair.far(["python3", "-c", `import urllib.request as r; print(r.urlopen("${url}/metrics").read().decode())`]);
  const dropped = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/^l4scope_drops_total\{reason="([^"]*)"\} (\d+)$/gm)].map(([, reason = "", count]) => [
        reason,
        Number(count),
      ]),
    );
  const near = (command: readonly string[]) => execFileSync(command[0] ?? "", command.slice(1));

  test("are counted by the kernel's reason, those of the watched namespace alone", async () => {
    expect(said).not.toContain("l4scope_drops_total");
    const before = dropped(scrape());
    // to a closed port there, and to one here
    near(udpSender(pair.farAddress, { count: 300 }));
    pair.far(udpSender(pair.nearAddress, { count: 500 }));
    await sleep(4500);
    const { NO_SOCKET = 0, ...others } = dropped(scrape());
    expect(NO_SOCKET - (before.NO_SOCKET ?? 0)).toBe(300);
    for (const reason of Object.keys(others)) expect(reason).toMatch(/^[A-Z][A-Z0-9_]+$/);
    // and they stay counted, each once
    near(udpSender(pair.farAddress, { count: 7 }));
    await sleep(4500);
    expect((dropped(scrape()).NO_SOCKET ?? 0) - (before.NO_SOCKET ?? 0)).toBe(307);
  });

  test("have the probe that counts them shown with its losses, and no event told", () => {
    const text = scrape();
    const drops = Object.values(dropped(text)).reduce((sum, count) => sum + count, 0);
    expect(text).toContain(`l4scope_probe_events_total{probe="skbdrop"} ${drops}\n`);
    expect(text).toContain('l4scope_probe_lost_total{probe="skbdrop"} 0\n');
  });

  test("are those of a route to nowhere, too", async () => {
    const before = dropped(scrape());
    pair.far(["ip", "route", "add", "blackhole", "203.0.113.0/24"]);
    pair.far(["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    near(["ip", "route", "add", "203.0.113.0/24", "via", pair.farAddress]);
    try {
      near(udpSender("203.0.113.9", { count: 40 }));
    } finally {
      near(["ip", "route", "del", "203.0.113.0/24", "via", pair.farAddress]);
    }
    await sleep(4500);
    const after = dropped(scrape());
    const grown = Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const);
    expect(grown.filter(([, count]) => count >= 40)).toHaveLength(1);
  });
});
