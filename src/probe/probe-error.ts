/**
 * The kernel's side could not be loaded, attached or read, for a reason outside the program: one line that says what is
 * missing and how to get it.
 */
export class ProbeError extends Error {
  override readonly name: string = "ProbeError";
  /** What libbpf and the verifier said, for `--debug`; empty where neither was asked. */
  readonly log: readonly string[];

  constructor(message: string, log: readonly string[] = []) {
    super(message);
    this.log = log;
  }
}
