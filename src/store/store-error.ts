/**
 * A store that cannot be opened, read or written; the message is one line that says what, where and what to do next.
 */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** `input`: the user named something that is no store, or SQL that is none; `run`: the run failed on it. */
  readonly kind: "input" | "run";

  constructor(message: string, kind: "input" | "run", options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
