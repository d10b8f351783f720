import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "./exit-codes.ts";

/**
 * The captures of a command line, each once: what is named twice, or by two names, would count every packet twice.
 *
 * @param tell is given a sentence for each that is left out
 * @throws UsageError where a name is empty, or stdin is named twice
 */
export function distinctCaptures(paths: readonly string[], tell: (sentence: string) => void): string[] {
  const known = new Map<string, string>();
  return paths.filter((path) => {
    if (path === "") throw new UsageError("the name of a capture is empty");
    const identity = identityOf(path);
    const first = identity === null ? undefined : known.get(identity);
    if (first === undefined) {
      if (identity !== null) known.set(identity, path);
      return true;
    }
    if (path === "-") throw new UsageError("stdin can be read only once: name - once");
    tell(first === path ? `${path} is named twice: read once` : `${path} is the same file as ${first}: read once`);
    return false;
  });
}

/**
 * Refuses, before hours of captures are read, a file that cannot be written or that would be written over what is read.
 *
 * @param flag as the user typed it: `--pcap`
 * @param inputs files that are read
 * @throws UsageError
 */
export function refuseOutput(flag: string, path: string, inputs: readonly string[]): void {
  if (path === "") throw new UsageError(`${flag}: give the name of a file`);
  if (path === "-") throw new UsageError(`${flag} -: stdout has the text; give the name of a file`);
  const identity = identityOf(path);
  if (identity !== null && inputs.some((input) => identityOf(input) === identity)) {
    throw new UsageError(`${flag} ${path} would write over what is read; give another name`);
  }
  if (statOf(path)?.isDirectory() === true) throw new UsageError(`${path}: is a directory`);
  if (statOf(dirname(path)) === undefined) throw new UsageError(`${path}: no such file or directory`);
}

/** What two names of one file have in common; null where there is no file to tell. */
function identityOf(path: string): string | null {
  if (path === "-") return path;
  const stat = statOf(path);
  return stat?.isFile() === true ? `${stat.dev} ${stat.ino}` : null;
}

/** What cannot be looked at is told by who reads or writes it. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
