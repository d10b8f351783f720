import { execFileSync } from "node:child_process";
import { projectDir } from "./requirement.ts";

let count = 0;

/** A command in a real terminal of its own (tmux), whose screen can be looked at and whose keys can be pressed. */
export class TerminalSession {
  private readonly name = `l4scope-test-${process.pid}-${count++}`;
  // a server of its own: one that ends with its last session would take a new one with it
  private readonly socket = this.name;

  /** @param command as for a shell; the screen stays when it ends, with `exited N` below what is on it */
  constructor(command: string, columns: number, rows: number) {
    const script = `printf 'before\\n'; ${command}; echo "exited $?"; sleep 600`;
    this.tmux("-f", "/dev/null", "new-session", "-d", "-s", this.name, "-x", `${columns}`, "-y", `${rows}`, script);
  }

  /** The screen as text, lines without what is blank at their ends. */
  screen(): string {
    return this.tmux("capture-pane", "-p", "-t", this.name);
  }

  press(...keys: string[]): void {
    this.tmux("send-keys", "-t", this.name, ...keys);
  }

  resize(columns: number, rows: number): void {
    this.tmux("resize-window", "-t", this.name, "-x", `${columns}`, "-y", `${rows}`);
  }

  /** The screen as soon as it fits; what was seen last where it does not in time. */
  async until(fits: RegExp | ((screen: string) => boolean), seconds = 30): Promise<string> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const screen = this.screen();
      const found = typeof fits === "function" ? fits(screen) : fits.test(screen);
      if (found) return screen;
      if (Date.now() > end) throw new Error(`not on the screen after ${seconds} s: ${fits}\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Process ids below the shell of the terminal whose command line has the words. */
  processes(words: string): number[] {
    const shell = this.tmux("list-panes", "-t", this.name, "-F", "#{pane_pid}").trim();
    const table = execFileSync("ps", ["-e", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
      .split("\n")
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
      .filter((match) => match !== null);
    const below = new Set([shell]);
    for (let grew = true; grew; ) {
      grew = false;
      for (const [, pid, parent] of table) {
        if (!below.has(parent!) || below.has(pid!)) continue;
        below.add(pid!);
        grew = true;
      }
    }
    return table
      .filter(([, pid, , command]) => pid !== shell && below.has(pid!) && command!.includes(words))
      .map(([, pid]) => Number(pid));
  }

  close(): void {
    try {
      this.tmux("kill-server");
    } catch {
      // it had ended
    }
  }

  private tmux(...args: string[]): string {
    return execFileSync("tmux", ["-L", this.socket, ...args], { encoding: "utf8", cwd: projectDir, env: cleanEnv() });
  }
}

/** As a person's shell has it: no test runner, no CI, a terminal that shows colours. */
function cleanEnv(): NodeJS.ProcessEnv {
  const { NODE_ENV: _, NODE_OPTIONS: __, VITEST: ___, CI: ____, NO_COLOR: _____, TMUX: ______, ...rest } = process.env;
  return { ...rest, TERM: "xterm-256color", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
}
