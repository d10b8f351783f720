import { existsSync } from "node:fs";
import { parseNetworkNamespace } from "../../src/probe/network-namespace.ts";
import { projectDir, type requires } from "../support/requirement.ts";
import { runProcess } from "../support/run-process.ts";

/** What a test with a real probe needs. */
export const PROBE_NEEDS = {
  root: true,
  tool: ["libbpf", "ip", "python3"],
  kernel: () => existsSync("/sys/kernel/btf/vmlinux") || "a kernel with BTF",
} as const satisfies Parameters<typeof requires>[0];

/** A network namespace with loopback, for traffic that is nobody else's. */
export class ProbeLab {
  readonly name: string;
  readonly netns: number;

  private constructor(name: string) {
    this.name = name;
    this.netns = parseNetworkNamespace(name);
  }

  static async create(): Promise<ProbeLab> {
    const name = `l4probe-${process.pid}-${Math.random().toString(36).slice(2, 6)}`;
    await must(["ip", "netns", "add", name]);
    await must(["ip", "-n", name, "link", "set", "lo", "up"]);
    return new ProbeLab(name);
  }

  /** Runs a command there; its standard output. */
  run(...command: string[]): Promise<string> {
    return must(["ip", "netns", "exec", this.name, ...command]);
  }

  /** Every way for a connection to end: by name, the server's port and the clients'. */
  async traffic(): Promise<Map<string, number[]>> {
    const lines = (await this.run("python3", `${projectDir}/test/probes/socket-traffic.py`)).trim().split("\n");
    return new Map(
      lines.map((line) => {
        const [name = "", ...ports] = line.split(" ");
        return [name, ports.map(Number)];
      }),
    );
  }

  async close(): Promise<void> {
    await must(["ip", "netns", "delete", this.name]);
  }
}

async function must(command: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr}`);
  return stdout;
}
