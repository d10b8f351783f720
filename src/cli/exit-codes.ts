/** What the process's exit code says; scripts depend on the numbers. */
export const EXIT = {
  /** It ran, and no finding reached `--fail-on`. */
  done: 0,
  /** The run failed. */
  failed: 1,
  /** Wrong usage, or an input that cannot be read. */
  usage: 2,
  /** It ran, and findings reached `--fail-on`. */
  findings: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * The user asked for something that cannot be done, or named an input that cannot be read: exit code 2. The message is
 * one line that says what, where and what to do next; the command's name is put before it.
 */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** The run could not do what it was asked for a reason outside the program: exit code 1, one line as above. */
export class RunError extends Error {
  override readonly name: string = "RunError";
}
