import { problemText, type SourceProblem } from "./topology.ts";

/**
 * A topology file or an import that cannot be used: the user's to mend, exit code 2. Tells all that is wrong at once.
 */
export class TopologyError extends Error {
  override readonly name: string = "TopologyError";
  /** One line each. */
  readonly lines: readonly string[];

  constructor(problems: readonly SourceProblem[]) {
    const lines = problems.map(problemText);
    super(lines.join("\n"));
    this.lines = lines;
  }
}
