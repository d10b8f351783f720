import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Host } from "./host.ts";

/** Where, beside `proc` and `sys`, what tools told is kept. */
const FACTS = "facts";

/**
 * A host that was kept in a folder: `ROOT/proc/…`, `ROOT/sys/…`, and `ROOT/facts/NAME` for what came from tools.
 *
 * @returns null where the folder has no `proc`.
 */
export function recordedHost(root: string): Host | null {
  if (!existsSync(join(root, "proc"))) return null;
  return {
    isLive: false,
    readText: (path) => textOf(inside(root, path)),
    fact: (name) => textOf(inside(join(root, FACTS), name)),
  };
}

/** A host that writes whatever is read of it into a folder, from which `recordedHost` answers the same. */
export function recordingHost(host: Host, root: string): Host {
  const keep = (path: string, text: string | null): string | null => {
    if (text !== null) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return text;
  };
  mkdirSync(join(root, "proc"), { recursive: true });
  return {
    isLive: host.isLive,
    readText: (path) => keep(inside(root, path), host.readText(path)),
    fact: (name, produce) => keep(inside(join(root, FACTS), name), host.fact(name, produce)),
  };
}

/** Interface names come from the kernel and may hold dots; none may lead out of the folder. */
function inside(root: string, path: string): string {
  return join(root, normalize(`/${path}`));
}

function textOf(path: string): string | null {
  try {
    return statSync(path).isFile() ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}
