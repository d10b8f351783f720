import type { CaptureProblem } from "./reader.ts";

/** Problems that are listed one by one; a damaged file can have one per packet. */
const LISTED = 20;

/** The problems of one input, bounded however damaged it is. */
export class ProblemLog {
  readonly list: CaptureProblem[] = [];
  #unlisted = 0;

  /** A problem after which reading goes on. */
  add(problem: CaptureProblem): void {
    if (this.list.length < LISTED) this.list.push(problem);
    else {
      this.#unlisted++;
      this.list[LISTED] = {
        code: problem.code,
        message: `${this.#unlisted} more problems of this kind follow; each was skipped`,
        offset: this.list[LISTED]?.offset ?? problem.offset,
      };
    }
  }

  /** The problem that ended reading; it is the last one. */
  fatal(problem: CaptureProblem): void {
    this.list.push(problem);
  }
}
