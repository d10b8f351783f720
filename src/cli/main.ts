import { run } from "@oclif/core/run";
import { settings } from "@oclif/core/settings";

/** Where oclif finds the commands: the project's folder, or what loads them. */
export type CommandsAt = string | (() => Promise<LoadOptions>);
type LoadOptions = NonNullable<Parameters<typeof run>[1]>;

/**
 * Runs the command line and sets the exit code: the whole program but for the commands. An error becomes one line on
 * stderr, whether or not the command prints JSON; stdout carries nothing but results.
 */
export async function main(argv: string[], commandsAt: CommandsAt): Promise<void> {
  // commands are loaded as they lie there; bin/dev.js brings its own loader for TypeScript
  settings.enableAutoTranspile = false;
  colourOnlyTerminals();
  endWithTheReader();
  const debug = asksForDebug(argv);
  if (debug) process.setSourceMapsEnabled(true);
  process.on("uncaughtException", (error) => void fail(error, debug).finally(() => process.exit()));
  try {
    await run(argv, typeof commandsAt === "string" ? commandsAt : await commandsAt());
  } catch (error) {
    await fail(error, debug);
  }
}

// loaded when needed: the way to --help is short
async function fail(error: unknown, debug: boolean): Promise<void> {
  const { tellFailure } = await import("./failure.ts");
  const { line, exitCode } = tellFailure(error);
  process.exitCode = exitCode;
  if (line === null) return;
  process.stderr.write(`${line}\n`);
  if (debug) {
    const { inspect } = await import("node:util");
    process.stderr.write(`${inspect(error)}\n`);
  }
}

/** Libraries colour for CI=true or FORCE_COLOR even into a pipe; NO_COLOR is the one word they all obey. */
function colourOnlyTerminals(): void {
  if (process.stdout.isTTY && !process.env.NO_COLOR) return;
  process.env.NO_COLOR = "1";
  delete process.env.FORCE_COLOR;
}

/** `l4scope flows | head` closes our stdout when it has enough: that is no failure. */
function endWithTheReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
}

/** Before the command has parsed its flags, for it may be the parsing that fails. */
function asksForDebug(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--debug");
}
