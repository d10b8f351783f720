/** What there is to know of one finding, whatever capture it was found in. Plain sentences; commands in backquotes. */
export interface Explanation {
  /** In a few words, for lists. */
  summary: string;
  /** What goes on, and what users notice. */
  means: string;
  /** What in the packets it is found by. */
  found: string;
  /** What looks alike, and how it differs. */
  alternatives: readonly string[];
  /** How to make sure. */
  confirm: readonly string[];
  /** What to do about it. */
  remedy: readonly string[];
}
