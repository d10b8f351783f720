import { basename } from "node:path";
import { formatDate } from "../format-quantity.ts";
import { timeOfDay } from "../text/clock-time.ts";
import { type Moment, type MomentRange, type RunSpan, resolveMoment } from "./moment.ts";
import type { RunWindow } from "./side-of-analysis.ts";

/** What is to be compared, as users say it. */
export interface DiffChoice {
  captures: readonly string[];
  before?: readonly string[] | undefined;
  after?: readonly string[] | undefined;
  at?: Moment | undefined;
  beforeWindow?: MomentRange | undefined;
  afterWindow?: MomentRange | undefined;
}

export type DiffRequest =
  | { kind: "captures"; before: readonly string[]; after: readonly string[] }
  | ({ kind: "windows" } & Pick<DiffChoice, "captures" | "at" | "beforeWindow" | "afterWindow">);

/** The two sides of a choice, or in a line why there are none. */
export function diffRequest(choice: DiffChoice): DiffRequest | string {
  const { captures, before, after, at, beforeWindow, afterWindow } = choice;
  if (before !== undefined && after !== undefined) {
    if (captures.length > 0) return `${captures[0]} is on neither side: name it behind --before or --after`;
    return stdinTwice([...before, ...after]) ?? { kind: "captures", before, after };
  }
  if (at !== undefined || beforeWindow !== undefined || afterWindow !== undefined) {
    if (captures.length === 0) return "missing CAPTURE: name the captures to look for these times in";
    return { kind: "windows", captures, at, beforeWindow, afterWindow };
  }
  const [first, second] = captures;
  if (captures.length === 2 && first !== undefined && second !== undefined) {
    return stdinTwice(captures) ?? { kind: "captures", before: [first], after: [second] };
  }
  if (captures.length === 0) return "missing CAPTURE: name two captures, or some and --at TIME";
  if (captures.length === 1)
    return "one capture has two sides only by time: --at TIME, or name another to compare it with";
  return `${captures.length} captures could be divided in several ways: --before FILE... --after FILE..., or --at TIME`;
}

function stdinTwice(paths: readonly string[]): string | null {
  return paths.filter((path) => path === "-").length > 1
    ? "stdin can be read only once: write it to a file first"
    : null;
}

/** What two sides of captures are called: by their first files, with folders where these are called alike. */
export function sideNames(before: readonly string[], after: readonly string[]): readonly [string, string] {
  const short = ([first = "-"]: readonly string[]) => (first === "-" ? "stdin" : basename(first));
  const isAlike = short(before) === short(after);
  const name = (paths: readonly string[]) => {
    const first = isAlike ? (paths[0] ?? "-") : short(paths);
    return paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
  };
  return [name(before), name(after)];
}

export interface NamedWindow extends RunWindow {
  name: string;
}

const DAY_NS = 86_400e9;

/**
 * The two windows of a run, or in a line what is wrong with them.
 *
 * @param what the run is of, in the plural: `the captures`
 */
export function windowsOf(
  { at, beforeWindow, afterWindow }: Extract<DiffRequest, { kind: "windows" }>,
  run: RunSpan,
  what: string,
): readonly [NamedWindow, NamedWindow] | string {
  const { start, end, timeBase } = run;
  if (!(end > start)) return `${what} have no length that could be divided`;
  // the last packet belongs to the run
  const whole = { from: start, to: end + 1 };
  const time = (moment: Moment) => resolveMoment(moment, run);
  // a time of day alone says little of a run of days
  const clock = (at: number) =>
    end - start < DAY_NS ? timeOfDay(at, timeBase) : formatDate(timeBase.toEpoch(at)).replace(/ UTC$/, "");
  const extent = `which are from ${clock(start)} to ${clock(end)} UTC`;
  const window = (range: MomentRange): RunWindow => ({
    from: Math.max(whole.from, range.from === null ? whole.from : time(range.from)),
    to: Math.min(whole.to, range.to === null ? whole.to : time(range.to)),
  });
  let before: RunWindow;
  let after: RunWindow;
  if (at !== undefined) {
    const cut = time(at);
    if (!(cut > start && cut < end)) return `--at ${clock(cut)} lies outside of ${what}, ${extent}`;
    before = { from: whole.from, to: cut };
    after = { from: cut, to: whole.to };
  } else {
    const given = { before: beforeWindow && window(beforeWindow), after: afterWindow && window(afterWindow) };
    before = given.before ?? { from: whole.from, to: given.after?.from ?? whole.to };
    after = given.after ?? { from: given.before?.to ?? whole.from, to: whole.to };
  }
  for (const [which, { from, to }] of [
    ["before", before],
    ["after", after],
  ] as const) {
    if (!(to > from)) return `nothing of ${what} is ${which}, ${extent}`;
  }
  const named = (one: RunWindow) => ({ ...one, name: `${clock(one.from)} to ${clock(Math.min(one.to, end))} UTC` });
  return [named(before), named(after)];
}
