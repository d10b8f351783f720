import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROBE_NEEDS, ProbeLab } from "../probes/probe-lab.ts";
import { asNobody, NOBODY_ID, NOBODY_NEEDS } from "../support/nobody.ts";
import { projectDir, requires } from "../support/requirement.ts";
import { type ProcessResult, runProcess } from "../support/run-process.ts";

/** Those that watch the host. */
const WATCHING = ["l4scope-record", "l4scope-serve"] as const;
const UNITS = [...WATCHING, "l4scope-ship"] as const;
const unitText = (name: string) => readFileSync(join(projectDir, `docs/systemd/${name}.service`), "utf8");
const setting = (unit: string, key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unitText(unit))?.[1] ?? "";

describe("a unit", () => {
  test("l4scope-ship reads the recorder's store, and can do nothing else to the host", () => {
    expect(setting("l4scope-ship", "AmbientCapabilities")).toBe("");
    expect(setting("l4scope-ship", "CapabilityBoundingSet")).toBe("");
    for (const key of ["User", "StateDirectory"]) {
      expect(setting("l4scope-ship", key)).toBe(setting("l4scope-record", key));
    }
    const storeOf = (unit: string) => /--store (\S+)/.exec(setting(unit, "ExecStart"))?.[1];
    expect(storeOf("l4scope-ship")).toBe(storeOf("l4scope-record"));
  });

  test.each(WATCHING)("%s asks for the three capabilities and can get no others", (unit) => {
    expect(setting(unit, "AmbientCapabilities")).toBe("CAP_BPF CAP_PERFMON CAP_NET_ADMIN");
    expect(setting(unit, "CapabilityBoundingSet")).toBe(setting(unit, "AmbientCapabilities"));
    expect(setting(unit, "NoNewPrivileges")).toBe("yes");
    // Node's compiler, and the kernel's rule about user namespaces
    expect(unitText(unit)).not.toMatch(/^(MemoryDenyWriteExecute|PrivateUsers|PrivateNetwork)=/m);
  });

  test.each(UNITS)("%s uses flags that there are", (unit) => {
    const [program, command = "", ...args] = setting(unit, "ExecStart").split(" ");
    const manifest = JSON.parse(readFileSync(join(projectDir, "oclif.manifest.json"), "utf8"));
    const flags = Object.keys(manifest.commands[command].flags);
    expect(program).toBe("l4scope");
    for (const flag of args.filter((arg) => arg.startsWith("--"))) expect(flags).toContain(flag.slice(2));
    // what it is told by is set in the unit
    const named = [...setting(unit, "ExecStart").matchAll(/\$\{?([A-Z_]+)/g)].map(([, name]) => name);
    const given = [...unitText(unit).matchAll(/^Environment=(.*)$/gm)].flatMap(([, text = ""]) =>
      [...text.matchAll(/([A-Z_]+)=/g)].map(([, name]) => name),
    );
    expect(named.filter((name) => name !== "STATE_DIRECTORY").sort()).toEqual(given.sort());
  });
});

const verify = requires({ path: "/usr/bin/systemd-analyze" });

test.skipIf(verify.missing)("systemd knows every line of the units", async () => {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-units-"));
  try {
    for (const unit of UNITS) {
      const path = join(folder, `${unit}.service`);
      // verify looks for the command where this machine may not have it
      writeFileSync(path, unitText(unit).replace(/^ExecStart=l4scope/m, `ExecStart=${projectDir}/bin/run.js`));
      const { exitCode, stdout, stderr } = await runProcess(["systemd-analyze", "verify", path]);
      expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const ALL = setting("l4scope-record", "AmbientCapabilities").split(" ");

const need = requires({
  ...PROBE_NEEDS,
  ...NOBODY_NEEDS,
  kernel: () => (PROBE_NEEDS.kernel() === true ? NOBODY_NEEDS.kernel() : "a kernel with BTF"),
});

describe.skipIf(need.missing)("with the units' capabilities alone, as nobody in particular", () => {
  let lab: ProbeLab;
  let folder: string;
  beforeAll(async () => {
    lab = await ProbeLab.create();
    folder = mkdtempSync(join(tmpdir(), "l4scope-caps-"));
    chownSync(folder, NOBODY_ID, NOBODY_ID);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await lab.close();
  });

  function l4scope(capabilities: readonly string[], ...args: string[]): Promise<ProcessResult> {
    const command = asNobody(capabilities, [process.execPath, "bin/run.js", ...args]);
    // as systemd starts it
    const env = { HOME: undefined, SHELL: undefined };
    return runProcess(["ip", "netns", "exec", lab.name, ...command], { env });
  }
  const store = () => join(folder, "l4.db");

  test("a recorder records", async () => {
    const running = l4scope(ALL, "record", "lo", "--store", store(), "--duration", "8");
    let isOver = false;
    void running.finally(() => {
      isOver = true;
    });
    // whenever it has begun to watch
    while (!isOver) {
      await lab.run("python3", "-c", CONNECTIONS);
      await sleep(500);
    }
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(Number(/^(\d+) connections kept in /.exec(stdout)?.[1])).toBeGreaterThan(0);
  });

  test("a probe probes, without CAP_NET_ADMIN, too", async () => {
    for (const capabilities of [ALL, ["CAP_BPF", "CAP_PERFMON"]]) {
      const { exitCode, stdout, stderr } = await l4scope(capabilities, "probe", "tcplife", "--duration", "1");
      // other tests' connections may end meanwhile that began before
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/^$|ended untold\n$/) });
      expect(stdout).toMatch(/^TIME .*LADDR +LPORT/);
    }
  });

  test.each(ALL)("without %s a recorder says so, in a line", async (dropped) => {
    const rest = ALL.filter((name) => name !== dropped);
    const { exitCode, stdout, stderr } = await l4scope(rest, "record", "lo", "--store", store(), "--duration", "1");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^l4scope record: flowtap needs ${dropped}; run as root, or [^\\n]+\\n$`));
  });

  test.each(["CAP_BPF", "CAP_PERFMON"])("without %s a probe says so, in a line", async (dropped) => {
    const rest = ALL.filter((name) => name !== dropped);
    const { exitCode, stdout, stderr } = await l4scope(rest, "probe", "tcplife", "--duration", "1");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^l4scope probe tcplife: tcplife needs ${dropped}; run as root, or [^\\n]+\\n$`));
  });
});

/** Ten connections on loopback, each closed by its server. */
const CONNECTIONS = `
import socket
server = socket.create_server(("127.0.0.1", 0))
for _ in range(10):
    client = socket.create_connection(server.getsockname())
    accepted, _address = server.accept()
    client.sendall(b"question")
    accepted.recv(8)
    accepted.sendall(b"answer")
    accepted.close()
    client.recv(8)
    client.close()
`;
