import { accessSync, appendFileSync, constants, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DEBIAN_TOOLS, type DebianTool, type ToolName } from "./debian-packages.ts";

/** The project's folder, absolute. */
export const projectDir: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What a test needs beyond Node and the project's own files. */
export interface Needs {
  /** One tool or several, by their names in debian-packages.ts. */
  tool?: ToolName | readonly ToolName[];
  /** True where the test must run as root. */
  root?: boolean;
  /** A file or folder outside the repository, absolute or relative to the project's folder. */
  path?: string;
  /** Tries the running kernel: true where it can, else false or a few words saying what it lacks. */
  kernel?: () => boolean | string;
}

/** One line of the file that L4SCOPE_SKIPS names. */
export interface Skip {
  kind: "tool" | "root" | "path" | "kernel";
  /** What is missing, in words. */
  need: string;
  /** The Debian package that has it, or null where none does. */
  package: string | null;
}

const announced = new Set<string>();

/**
 * Says whether a test can run here, for `describe.skipIf(need.missing)`. What is missing is printed to stderr once,
 * and appended as a JSON line to the file that the environment's L4SCOPE_SKIPS names.
 *
 * @returns `missing`: null where everything is there, else what is not, in one line.
 */
export function requires(needs: Needs): { missing: string | null } {
  const skips = findMissing(needs);
  for (const skip of skips) announce(skip);
  return { missing: skips.length === 0 ? null : skips.map((skip) => skip.need).join(", ") };
}

/** The folder of reference captures beside the project, or null where there is none. */
export function sharedDir(): string | null {
  const path = resolve(projectDir, "../shared");
  return existsSync(path) ? path : null;
}

/** Everything of `needs` that this machine lacks, without telling anyone. */
export function findMissing(needs: Needs): Skip[] {
  const skips: Skip[] = [];
  const tools = typeof needs.tool === "string" ? [needs.tool] : (needs.tool ?? []);
  for (const name of tools) {
    const tool: DebianTool = DEBIAN_TOOLS[name];
    if (!isInstalled(name, tool)) skips.push({ kind: "tool", need: name, package: tool.package });
  }
  if (needs.root === true && process.getuid?.() !== 0) skips.push({ kind: "root", need: "root", package: null });
  if (needs.path !== undefined && !existsSync(resolve(projectDir, needs.path))) {
    skips.push({ kind: "path", need: needs.path, package: null });
  }
  // the kernel is tried last, and only where the tools to try it with are there
  if (needs.kernel !== undefined && skips.length === 0) {
    const answer = needs.kernel();
    if (answer !== true) skips.push({ kind: "kernel", need: answer || "kernel support", package: null });
  }
  return skips;
}

function isInstalled(name: string, tool: DebianTool): boolean {
  if (tool.files !== undefined) return tool.files.some((file) => existsSync(file));
  // Debian keeps the network's tools in /usr/sbin, which is not on every user's PATH
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function announce(skip: Skip): void {
  const line = JSON.stringify(skip);
  if (announced.has(line)) return;
  announced.add(line);
  const record = process.env.L4SCOPE_SKIPS;
  if (record !== undefined && record !== "") {
    // another test file, in another process, may have said it already
    if (existsSync(record) && readFileSync(record, "utf8").split("\n").includes(line)) return;
    appendFileSync(record, `${line}\n`);
  }
  process.stderr.write(`skipped: ${skip.need}${skip.package === null ? "" : ` (apt-get install ${skip.package})`}\n`);
}
