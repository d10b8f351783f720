import { spawnSync } from "node:child_process";
import { runProcess } from "../support/run-process.ts";

/** Two hosts on one wire: `here`, which doctor looks at, at 10.2.0.11, and `there`, its neighbour, at 10.2.0.254. */
export interface HostPair {
  here: string;
  there: string;
  /** Runs a command on a host to its end; throws where it fails. Its standard output. */
  on(host: string, ...argv: readonly string[]): string;
  /** ip(8) on `here`. */
  ip(line: string): void;
  sysctl(...pairs: readonly string[]): void;
  /** What doctor says is not ok: id to result. Host-wide counters, the clock and probes are left out. */
  complaints(...flags: readonly string[]): Promise<Record<string, string>>;
  close(): void;
}

/** What a namespace shares with all others on the machine. */
const SHARED = ["run.*", "time.*", "receive.*"];

/** Sets up two namespaces that are set up right. To be closed. */
export function hostPair(): HostPair {
  const here = `doctor-${process.pid}-a`;
  const there = `doctor-${process.pid}-b`;
  const run = (...argv: readonly string[]): string => {
    const [command = "", ...args] = argv;
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
    return stdout;
  };
  const on: HostPair["on"] = (host, ...argv) => run("ip", "netns", "exec", host, ...argv);
  const close = () => {
    for (const host of [here, there]) spawnSync("ip", ["netns", "del", host], { stdio: "ignore" });
  };
  close();
  try {
    for (const host of [here, there]) {
      run("ip", "netns", "add", host);
      run("ip", "-n", host, "link", "set", "lo", "up");
      on(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
    }
    run("ip", "-n", here, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", there);
    for (const [host, address] of [
      [here, "10.2.0.11/24"],
      [there, "10.2.0.254/24"],
    ] as const) {
      run("ip", "-n", host, "address", "add", address, "dev", "eth0");
      run("ip", "-n", host, "link", "set", "eth0", "up");
    }
    run("ip", "-n", here, "route", "add", "default", "via", "10.2.0.254");
    on(
      here,
      "sysctl",
      "-qw",
      "net.core.somaxconn=4096",
      "net.ipv4.conf.all.rp_filter=0",
      "net.ipv4.conf.eth0.rp_filter=0",
    );
  } catch (error) {
    close();
    throw error;
  }
  return {
    here,
    there,
    on,
    ip: (line) => void run("ip", "-n", here, ...line.split(" ")),
    sysctl: (...pairs) => void on(here, "sysctl", "-qw", ...pairs),
    async complaints(...flags) {
      const ignore = SHARED.flatMap((id) => ["--ignore", id]);
      const command = [
        "ip",
        "netns",
        "exec",
        here,
        process.execPath,
        "bin/run.js",
        "doctor",
        "--json",
        ...ignore,
        ...flags,
      ];
      const { stdout, stderr, exitCode } = await runProcess(command);
      if (exitCode !== 0 || stderr !== "") throw new Error(`exit code ${exitCode}: ${stderr}`);
      const { checks } = JSON.parse(stdout) as { checks: { id: string; result: string }[] };
      return Object.fromEntries(checks.filter(({ result }) => result !== "ok").map(({ id, result }) => [id, result]));
    },
    close,
  };
}
