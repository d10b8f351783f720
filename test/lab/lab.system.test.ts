import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";

const need = requires({ root: true, tool: ["ip", "ethtool", "nft", "conntrack", "tcpdump", "tshark", "sysctl"] });
const out = mkdtempSync(join(tmpdir(), "l4scope-lab-"));
const command = ["--import", "tsx", "fixtures/lab/run.ts"];

/** Namespaces of the lab that exist now. */
function namespaces(): string[] {
  return execFileSync("ip", ["netns", "list"], { encoding: "utf8" }).match(/^l4s-\S+/gm) ?? [];
}

afterAll(() => rmSync(out, { recursive: true, force: true }));

describe("the lab's command", () => {
  it("names what it can run", () => {
    const run = spawnSync(process.execPath, [...command, "--list"], { cwd: projectDir, encoding: "utf8" });
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(/^dnat-rr {2,}\S/m);
  });

  it("refuses an unknown scenario in one line, with exit code 2", () => {
    const run = spawnSync(process.execPath, [...command, "no-such-thing"], { cwd: projectDir, encoding: "utf8" });
    expect(run.status).toBe(2);
    expect(run.stderr.trim().split("\n")).toEqual([expect.stringContaining("no scenario is called no-such-thing")]);
  });
});

describe.skipIf(need.missing)("a run of the lab", () => {
  it("removes what a killed run left, then captures a load balancer whose truth the captures show", async () => {
    const killed = spawn(process.execPath, [...command, "dnat-rr", "--out", join(out, "killed")], {
      cwd: projectDir,
      stdio: "ignore",
    });
    const ended = new Promise((done) => killed.once("close", done));
    // as late as packets are captured: then namespaces, agents and captures are all there to be left behind
    const capture = join(out, "killed/dnat-rr/lb1-eth0.pcap");
    for (let n = 0; n < 600 && !existsSync(capture); n++) await new Promise((later) => setTimeout(later, 100));
    expect(existsSync(capture)).toBe(true);
    killed.kill("SIGKILL");
    await ended;
    const left = JSON.parse(readFileSync("/run/l4scope-lab/state.json", "utf8")) as { processes: { pid: number }[] };
    expect(namespaces()).not.toEqual([]);
    expect(left.processes.some(({ pid }) => existsSync(`/proc/${pid}`))).toBe(true);

    const argv = [...command, "dnat-backend-refusing", "--out", out];
    const run = spawnSync(process.execPath, argv, { cwd: projectDir, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    expect(namespaces()).toEqual([]);
    for (const { pid } of left.processes) expect(existsSync(`/proc/${pid}`)).toBe(false);

    const dir = join(out, "dnat-backend-refusing");
    const expected = JSON.parse(readFileSync(join(dir, "expect.json"), "utf8")) as {
      top: string[];
      connections: { client: string; backend: string; outcome: string[]; reset?: { by: string } }[];
    };
    expect(expected.top).toEqual(["backend.refusing"]);
    const refused = expected.connections.filter((connection) => connection.outcome[0] === "refused");
    expect(refused.length).toBeGreaterThan(0);
    for (const connection of refused) expect(connection.backend).toBe("10.3.0.12:8443");
    const filter = "tcp.flags.reset==1 && ip.src==10.3.0.12 && tcp.seq==1 && tcp.ack==1";
    const rows = execFileSync("tshark", ["-n", "-r", join(dir, "lb1-eth1.pcap"), "-Y", filter], { encoding: "utf8" });
    expect(rows.trim().split("\n").length).toBe(refused.length);
  }, 150_000);
});
