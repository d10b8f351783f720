import { execFileSync } from "node:child_process";

/** A network namespace of one test file, apart from the lab's. Only for root. */
export class HashNamespace {
  private readonly name: string;

  constructor(purpose: string) {
    this.name = `hash-${purpose}-${process.pid}`;
    execFileSync("ip", ["netns", "add", this.name]);
    try {
      this.ip(["link set lo up"]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Runs commands of `ip` in it, one a line. @returns what they print */
  ip(lines: readonly string[], flags: readonly string[] = []): string {
    return execFileSync("ip", ["-n", this.name, ...flags, "-batch", "-"], {
      input: `${lines.join("\n")}\n`,
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
  }

  exec(argv: readonly string[], input = ""): string {
    return execFileSync("ip", ["netns", "exec", this.name, ...argv], { input, encoding: "utf8", maxBuffer: 1 << 26 });
  }

  /** The words with which a command is run in it. */
  prefix(): string[] {
    return ["ip", "netns", "exec", this.name];
  }

  close(): void {
    execFileSync("ip", ["netns", "delete", this.name]);
  }
}

/** Whether the kernel lets this process make namespaces: for `requires`. */
export function canMakeNamespaces(): boolean | string {
  try {
    new HashNamespace("try").close();
    return true;
  } catch {
    return "network namespaces";
  }
}
