import { spawnSync } from "node:child_process";
import { type Needs, projectDir } from "./requirement.ts";

const SETPRIV = "/usr/bin/setpriv";

/** The user and the group that no user database knows: what a container or a dynamic user of systemd's is. */
export const NOBODY_ID = 64_646;

export const NOBODY_NEEDS = {
  root: true,
  path: SETPRIV,
  kernel: () => {
    const [file = "", ...args] = asNobody([], [process.execPath, "-e", "fs.accessSync('bin/run.js')"]);
    return spawnSync(file, args, { cwd: projectDir }).status === 0 || "a folder that other users can read";
  },
} as const satisfies Needs;

/** A command as that user, with these capabilities and no way to get others. */
export function asNobody(capabilities: readonly string[], command: readonly string[]): string[] {
  const set = `-all${capabilities.map((name) => `,+${name.replace("CAP_", "").toLowerCase()}`).join("")}`;
  const ids = [`--reuid=${NOBODY_ID}`, `--regid=${NOBODY_ID}`, "--clear-groups", "--no-new-privs"];
  return [SETPRIV, ...ids, `--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`, ...command];
}
