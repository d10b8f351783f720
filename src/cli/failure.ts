import { stripVTControlCharacters } from "node:util";
import { CaptureError } from "../capture/reader.ts";
import { FleetError } from "../fleet/fleet-error.ts";
import { ProbeError } from "../probe/probe-error.ts";
import { StoreError } from "../store/store-error.ts";
import { TopologyError } from "../topology/topology-error.ts";
import { EXIT, RunError, UsageError } from "./exit-codes.ts";

/** What to tell the user of an error, and what to exit with. */
export interface Failure {
  /** One line, without the program's name; of a file with several mistakes, a line each. */
  message: string;
  exitCode: number;
  /** False for a deliberate exit, of which there is nothing to tell. */
  tell: boolean;
}

const commandOf = new WeakMap<Error, string>();

/** Notes which command an error came out of, as the user typed it: `probe tcplife`. */
export function blame(error: Error, command: string): void {
  commandOf.set(error, command);
}

/** The line or lines for stderr that tell an error, or null where there is nothing to tell, and the exit code. */
export function tellFailure(thrown: unknown): { line: string | null; exitCode: number } {
  const { message, exitCode, tell } = describeFailure(thrown);
  if (!tell) return { line: null, exitCode };
  const command = thrown instanceof Error ? commandOf.get(thrown) : undefined;
  const name = command === undefined ? "l4scope" : `l4scope ${command}`;
  const help = isParseError(thrown) || unknownCommand(thrown) !== null ? ` (see ${name} --help)` : "";
  const lines = message.split("\n").map((line) => `${name}: ${line}`);
  return { line: `${lines.join("\n")}${help}`, exitCode };
}

/** Turns anything thrown into one line and an exit code of the contract. */
export function describeFailure(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { message: oneLine(String(thrown)), exitCode: EXIT.failed, tell: true };
  if (isParseError(thrown)) return { message: parseMessage(thrown), exitCode: EXIT.usage, tell: true };
  if (thrown instanceof UsageError || thrown instanceof CaptureError) {
    return { message: oneLine(thrown.message), exitCode: EXIT.usage, tell: true };
  }
  if (thrown instanceof TopologyError) {
    return { message: thrown.lines.map(oneLine).join("\n"), exitCode: EXIT.usage, tell: true };
  }
  if (thrown instanceof RunError || thrown instanceof ProbeError)
    return { message: oneLine(thrown.message), exitCode: EXIT.failed, tell: true };
  if (thrown instanceof StoreError || thrown instanceof FleetError) {
    const exitCode = thrown.kind === "input" ? EXIT.usage : EXIT.failed;
    return { message: oneLine(thrown.message), exitCode, tell: true };
  }
  const unknown = unknownCommand(thrown);
  if (unknown !== null) return { message: `no such command: ${unknown}`, exitCode: EXIT.usage, tell: true };
  const oclifExit = exitCodeOfOclif(thrown);
  if (oclifExit !== null) {
    const isDeliberate = (thrown as NodeJS.ErrnoException).code === "EEXIT";
    return { message: oneLine(thrown.message), exitCode: oclifExit, tell: !isDeliberate };
  }
  if (isSystemError(thrown)) return describeSystemError(thrown);
  return {
    message: `internal error: ${oneLine(thrown.message)} (--debug shows where)`,
    exitCode: EXIT.failed,
    tell: true,
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "not permitted, try as root",
  EISDIR: "is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ENOSPC: "no space left on the device",
  EMFILE: "too many open files (see ulimit -n)",
};

function describeSystemError(error: NodeJS.ErrnoException): Failure {
  const { path, syscall, code = "" } = error;
  const reason = REASONS[code] ?? oneLine(error.message);
  // a path that cannot be opened is one the user named; a full disk or a taken port is not their wrong usage
  const isInput = path !== undefined && INPUT_CALLS.has(syscall ?? "") && code !== "ENOSPC" && code !== "EMFILE";
  return {
    message: path === undefined ? oneLine(error.message) : `${path}: ${reason}`,
    exitCode: isInput ? EXIT.usage : EXIT.failed,
    tell: true,
  };
}

const INPUT_CALLS: ReadonlySet<string> = new Set(["open", "stat", "lstat", "scandir", "access", "read"]);

/** Node's own complaints (ERR_INVALID_ARG_TYPE) have a code too, but are our mistakes and no errno. */
function isSystemError(error: Error): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException).errno === "number";
}

/** The command line's syntax: oclif's own errors, and what a flag's `parse` threw, which oclif wraps. */
function isParseError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return ("parse" in thrown && exitCodeOfOclif(thrown) !== null) || thrown.message.includes(`\n${SEE_HELP}`);
}

const SEE_HELP = "See more help with --help";

/** `probe nothing` of oclif's "command probe:nothing not found". */
function unknownCommand(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || exitCodeOfOclif(thrown) === null) return null;
  return /^command (\S+) not found\.?$/i.exec(thrown.message)?.[1]?.replaceAll(":", " ") ?? null;
}

function exitCodeOfOclif(error: Error): number | null {
  const exit = (error as { oclif?: { exit?: unknown } }).oclif?.exit;
  return typeof exit === "number" ? exit : null;
}

/** oclif says what is wrong with a command line in several lines, some of them the same for every error. */
function parseMessage(error: Error): string {
  const missing = (error as { args?: unknown }).args;
  if (error.message.startsWith("Missing ") && Array.isArray(missing)) {
    return `missing ${missing.map((arg: { name?: string }) => arg.name?.toUpperCase() ?? "argument").join(", ")}`;
  }
  const text = stripVTControlCharacters(error.message)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== SEE_HELP && !/^The following errors? occurred:$/.test(line))
    .join("; ")
    .replace(/^Parsing (--\S+);/, "$1:");
  return text.replace(/^(--\S+: )?([A-Z])(?=[a-z])/, (_, flag = "", letter) => flag + letter.toLowerCase());
}

function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s*\n\s*/g, " ")
    .trim();
}
