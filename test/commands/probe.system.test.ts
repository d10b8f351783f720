import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROBE_NEEDS, ProbeLab } from "../probes/probe-lab.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { runCli, runProcess } from "../support/run-process.ts";

const need = requires({ ...PROBE_NEEDS, tool: [...PROBE_NEEDS.tool, "bpftool"] });
const NAMES = ["tcplife", "tcpconnect", "tcprst", "tcpretrans"] as const;

/** Ids of all programs of that name. */
function programsNamed(name: string): number[] {
  const list = JSON.parse(execFileSync("bpftool", ["prog", "show", "-j"], { encoding: "utf8" })) as {
    id: number;
    name?: string;
  }[];
  return list.filter((each) => each.name === name).map(({ id }) => id);
}

function start(...args: string[]): { child: ChildProcess; output: { stdout: string; stderr: string } } {
  const child = spawn(process.execPath, ["bin/run.js", "probe", ...args], { cwd: projectDir });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes) => {
    output.stdout += bytes;
  });
  child.stderr.on("data", (bytes) => {
    output.stderr += bytes;
  });
  return { child, output };
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !condition(); await sleep(20)) {
    if (Date.now() > end) throw new Error("it never came");
  }
}

describe.skipIf(need.missing)("l4scope probe", () => {
  let lab: ProbeLab;
  beforeAll(async () => {
    lab = await ProbeLab.create();
  });
  afterAll(() => lab.close());
  const refuse = () =>
    lab.run("python3", "-c", "import socket\ntry: socket.create_connection(('127.0.0.1', 1))\nexcept OSError: pass");

  test.each(NAMES)("%s prints its columns and stops by itself", async (name) => {
    const { exitCode, stdout } = await runCli(["probe", name, "--netns", lab.name, "--duration", "1"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^TIME .*LADDR +LPORT +RADDR +RPORT/);
  });

  test("prints events as lines of JSON, soon after its start, and ends well on SIGINT", async () => {
    const from = performance.now();
    const { child, output } = start("tcprst", "--json", "--netns", lab.name, "--port", "1");
    let first = Number.NaN;
    child.stdout?.once("data", () => {
      first = (performance.now() - from) / 1000;
    });
    for (let i = 0; i < 100 && Number.isNaN(first); i++) await refuse();
    // a second on a machine that does nothing else
    expect(first).toBeLessThan(4);
    const ended = once(child, "close");
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    expect(output.stderr).toBe("");
    const events = output.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.find(({ direction }) => direction === "sent")).toMatchObject({
      time: expect.stringMatching(/^\d{10}\.\d{9}$/),
      local: "127.0.0.1:1",
      cause: "refused",
      answered: { flags: "SYN" },
      netns: lab.netns,
      pid: null,
    });
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("leaves nothing attached after %s", async (signal) => {
    const before = new Set(programsNamed("received"));
    const { child } = start("tcprst", "--netns", lab.name);
    let own: number[] = [];
    await until(() => {
      own = programsNamed("received").filter((id) => !before.has(id));
      return own.length > 0;
    });
    const ended = once(child, "close");
    child.kill(signal);
    await ended;
    // the kernel frees programs after a grace period
    await until(() => own.every((id) => !programsNamed("received").includes(id)));
  });

  test("ends quietly when its reader goes", async () => {
    const { exitCode, stderr } = await runProcess(
      ["sh", "-c", `"${process.execPath}" bin/run.js probe tcplife --netns ${lab.name} --duration 20 | head -n 1`],
      { timeoutSeconds: 25 },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  test("says in one line what an ordinary user lacks", async () => {
    const { exitCode, stdout, stderr } = await runProcess(
      [
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
        process.execPath,
        "bin/run.js",
        "probe",
        "tcplife",
      ],
      {
        // root's own is not theirs to read
        env: { HOME: "/nonexistent" },
      },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(
        /^l4scope probe tcplife: tcplife needs CAP_BPF and CAP_PERFMON; run as root, or sudo setcap /,
      ),
    ]);
  });
});

test("probe says where a network namespace is looked for", async () => {
  const { exitCode, stderr } = await runCli(["probe", "tcplife", "--netns", "no-such-namespace"]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("no network namespace /run/netns/no-such-namespace; ip netns lists");
});
