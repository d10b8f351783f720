/**
 * A fleet store that cannot be reached, written or asked; the message is one line that says what, where and what to do
 * next.
 */
export class FleetError extends Error {
  override readonly name = "FleetError";
  /**
   * `input`: the user asked for what there is not; `away`: the server may be back soon; `refused`: it does not take the
   * statement; `run`: the run failed on it.
   */
  readonly kind: "input" | "away" | "refused" | "run";

  constructor(message: string, kind: FleetError["kind"], options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
