import { spawn } from "node:child_process";
import { projectDir } from "./requirement.ts";

export interface ProcessResult {
  /** Null where a signal ended it. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string | Uint8Array;
  /** Added to this process's environment; undefined removes a variable. */
  env?: Record<string, string | undefined>;
  /** Defaults to the project's folder. */
  cwd?: string;
  /** After which the process is killed; 30 s unless told. */
  timeoutSeconds?: number;
}

/** Runs the built `l4scope` in a process of its own, its output going into pipes. */
export function runCli(args: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
  return runProcess([process.execPath, "bin/run.js", ...args], options);
}

/** Runs a command to its end. Rejects only where it cannot be started. */
export function runProcess(command: readonly string[], options: RunOptions = {}): Promise<ProcessResult> {
  const [file = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd ?? projectDir,
      // as a user has it, not as vitest sets it
      env: { ...process.env, NODE_ENV: undefined, NODE_OPTIONS: undefined, VITEST: undefined, ...options.env },
      timeout: (options.timeoutSeconds ?? 30) * 1000,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
    // a process that ends before it has read its input is the test's business, not an error here
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin);
    child.on("error", reject);
    child.on("close", (exitCode, signal) =>
      resolve({
        exitCode,
        signal,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }),
    );
  });
}
