import { readFileSync } from "node:fs";

/**
 * What is read of a host: the kernel's own files, and the few things that no file tells. A host may be the one this runs
 * on, or a folder in which all of it was kept (recorded-host.ts), so that a host can be looked at elsewhere and later.
 */
export interface Host {
  /** False for a folder: nothing can be tried there. */
  readonly isLive: boolean;
  /**
   * The text of a file of /proc or /sys by its absolute path; null where it is absent or may not be read. Files there
   * have no size, so they are read to the end at once.
   */
  readText(path: string): string | null;
  /**
   * What only a tool or a system call tells, under a name (`addresses.json`). `produce` is called on a live host alone,
   * and answers null where the tool or the right to use it is missing.
   */
  fact(name: string, produce: () => string | null): string | null;
}

/** The host (and network namespace) this process runs in. */
export function liveHost(): Host {
  return {
    isLive: true,
    readText(path) {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return null;
      }
    },
    fact: (_, produce) => produce(),
  };
}
