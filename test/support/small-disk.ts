import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requires } from "./requirement.ts";

/** Whether a test may mount file systems of its own, as `requires` says it. */
export function mayMount(): { missing: string | null } {
  return requires({
    root: true,
    kernel: () => {
      try {
        execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
        return true;
      } catch {
        return "the right to mount";
      }
    },
  });
}

/** Runs something with a folder that is a file system of its own, of so many bytes. */
export async function withSmallDisk<T>(bytes: number, run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "l4scope-test", folder]);
  try {
    return await run(folder);
  } finally {
    execFileSync("umount", [folder]);
    rmSync(folder, { recursive: true });
  }
}
