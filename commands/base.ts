import { Command } from "@oclif/core/command";
import { boolean } from "@oclif/core/flags";
import type { ExitCode } from "../src/cli/exit-codes.ts";
import { distinctCaptures } from "../src/cli/file-arguments.ts";
import { jsonChunks } from "../src/cli/json-chunks.ts";
import { refuseSetUp, type SetUpFlags } from "../src/cli/set-up-flags.ts";
import { writeChunks } from "../src/cli/write-chunks.ts";
import type { TrackedCapture } from "../src/flow/tracked-capture.ts";
import type { Topology } from "../src/topology/topology.ts";

/**
 * What every command shares. A subclass parses its flags in `run()`, calls one thing in src, and
 * - under `--json` returns the contract's document, which is then printed as it is;
 * - else prints text by `this.log`, which says nothing under `--json`;
 * - throws a UsageError (exit 2), a RunError (exit 1) or what src threw; src/cli/main.ts tells it in one line.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    json: boolean({ summary: "Print the result as one JSON document.", helpGroup: "GLOBAL" }),
    debug: boolean({ summary: "Show where an error comes from.", helpGroup: "GLOBAL" }),
  };

  /** Ends this run, after its output, with an exit code of the contract. */
  protected exitWith(code: ExitCode): void {
    process.exitCode = code;
  }

  /** A line on stderr, with `--json` too. */
  override warn(input: Error | string): Error | string {
    const message = typeof input === "string" ? input : input.message;
    process.stderr.write(`l4scope ${this.typedId()}: warning: ${message}\n`);
    return input;
  }

  /** A line on stderr, with `--json` too: stdout is the document's alone, and stderr is free for progress. */
  override logToStderr(message = ""): void {
    process.stderr.write(`${message}\n`);
  }

  private printed: Promise<void> | null = null;

  /** oclif does not wait for it; `_run` does. */
  protected override logJson(document: unknown): void {
    this.printed = writeChunks(process.stdout, withNewline(jsonChunks(document)));
  }

  protected override async _run<T>(): Promise<T> {
    const result = await super._run<T>();
    await this.printed;
    return result;
  }

  /**
   * oclif's own would print the error as JSON on stdout and exit 1 whatever code was asked for; src/cli/main.ts does
   * the same for every error instead, so all that is left here is to say whose it is.
   */
  protected override async catch(error: Error): Promise<never> {
    const { blame } = await import("../src/cli/failure.ts");
    blame(error, this.typedId());
    throw error;
  }

  /**
   * What was given of the set-up, or null where nothing was; what cannot be read of it is told.
   *
   * @param captures as they were named, since stdin can be read only once
   */
  protected async givenTopology(flags: SetUpFlags, captures: readonly string[] = []): Promise<Topology | null> {
    const { topology: file, import: imports = [] } = flags;
    if (file === undefined && imports.length === 0) return null;
    refuseSetUp(flags, captures);
    const { loadTopology } = await import("../src/topology/load.ts");
    const { problemText } = await import("../src/topology/topology.ts");
    const { THRESHOLDS } = await import("../src/diagnose/thresholds.ts");
    const topology = await loadTopology({ file, imports, registry: THRESHOLDS });
    for (const problem of topology.problems) this.warn(problemText(problem));
    return topology;
  }

  /** The captures of a command line, each once; what is named twice is told. */
  protected distinctCaptures(paths: readonly string[]): string[] {
    return distinctCaptures(paths, (sentence) => this.warn(sentence));
  }

  /** Tells on stderr what is wrong with captures, and where what was given of the set-up and packets do not agree. */
  protected async tellProblems(
    captures: readonly TrackedCapture[],
    contradictions: readonly string[] = [],
  ): Promise<void> {
    const { problemsByFile } = await import("../src/report/capture-facts.ts");
    for (const capture of captures) {
      for (const { path, message } of problemsByFile(capture)) this.warn(`${path}: ${message}`);
    }
    for (const contradiction of contradictions) this.warn(contradiction);
  }

  private typedId(): string {
    return (this.id ?? "").replaceAll(":", " ");
  }
}

function* withNewline(chunks: Iterable<string>): Generator<string> {
  yield* chunks;
  yield "\n";
}
