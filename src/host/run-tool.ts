import { spawnSync } from "node:child_process";

/** Where tools of the network are on distributions that leave these out of a user's PATH. */
const SBIN = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
const TIMEOUT_SECONDS = 10;
/** A ruleset of ten thousand rules is 10 MB of JSON. */
const MAX_OUTPUT_BYTES = 64e6;

/**
 * The standard output of a tool that only looks; null where it is not installed, fails, or takes too long.
 *
 * @param argv its name and arguments; no shell reads them.
 */
export function runTool(argv: readonly string[]): string | null {
  const [name = "", ...args] = argv;
  const result = spawnSync(name, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C", PATH: [process.env.PATH ?? "", ...SBIN].join(":") },
    stdio: ["ignore", "pipe", "ignore"],
    timeout: TIMEOUT_SECONDS * 1000,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return result.status === 0 ? result.stdout : null;
}
