import { QuestionError } from "./question-error.ts";

/** Two numbers of `10..20`. */
export interface NumberRange {
  from: number;
  to: number;
}

/**
 * Reads `10..20`.
 *
 * @param flag names it in the message
 * @throws QuestionError where it is no such thing, or one of the numbers is beyond the limits
 */
export function parseRange(flag: string, text: string, least: number, most: number): NumberRange {
  const [, from, to] = /^(\d{1,6})\.\.(\d{1,6})$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  const isWithin = (value: number) => value >= least && value <= most;
  if (from === undefined || !isWithin(range.from) || !isWithin(range.to)) {
    throw new QuestionError(`${flag} ${text}: expected two numbers from ${least} to ${most}, such as 10..20`);
  }
  return range;
}
