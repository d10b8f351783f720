import type { Analysis, LeftOut } from "../analysis.ts";
import { type FailureCounts, failureCounts } from "../figures/failures.ts";
import { formatCount, formatNumberOf } from "../format-quantity.ts";
import { joinFacts } from "./headline.ts";
import { isLoud, leftOutConnections, leftOutFacts, silentDetectors } from "./left-out.ts";
import { type Page, printable, wrap } from "./page.ts";

/** Up to this part of all connections may fail for reasons of their own. */
const FEW = 0.01;

/** Where something was found: what was looked at besides, in a line. */
export function nothingElse(analysis: Analysis, page: Page): string[] {
  const { subject, leftOut } = analysis;
  const facts = [
    `nothing else: ${silentChecks(analysis)}`,
    ...leftOutFacts(leftOut),
    ...healthCheckFact(subject.connections.filter(({ healthCheck }) => healthCheck).length),
    ...(page.full ? [] : ["--full shows all"]),
  ];
  return marked(facts, page);
}

/** Where nothing was found: the one line that says so, and what was looked at. */
export function nothingWrong(analysis: Analysis, page: Page): string[] {
  const { subject, leftOut } = analysis;
  const { users } = subject;
  const open = users.filter((connection) => subject.outcome(connection) === "open").length;
  const failures = failureCounts(subject, leftOutConnections(leftOut));
  const isWell = failures.all <= users.length * FEW;
  const facts = [
    isWell
      ? `${nothingOf(leftOut)} wrong with ${formatNumberOf(users.length, "connection")}: ${silentChecks(analysis)}`
      : `no cause stands out, though ${failuresText(failures, users.length)}: ${silentChecks(analysis)}`,
    ...(isWell && failures.all > 0 ? [failuresText(failures, users.length)] : []),
    ...(open > 0 ? [`${formatCount(open)} still open at the end`] : []),
    ...leftOutFacts(leftOut),
    ...healthCheckFact(subject.connections.filter(({ healthCheck }) => healthCheck).length),
    ...(page.full ? [] : ["--full shows all"]),
  ];
  return isWell ? marked(facts, page) : marked(facts, page, page.paint.risk("!"));
}

/** What could not be seen, a remark each. */
export function blindSpotLines(spots: readonly string[], page: Page): string[] {
  return spots.flatMap((spot) => {
    const [first = "", ...more] = wrap(`not seen: ${printable(spot)}`, page.width - 2);
    return [`${page.paint.quiet("?")} ${first}`, ...more.map((line) => `  ${line}`)];
  });
}

function failuresText(failures: FailureCounts, connections: number): string {
  const parts = (["refused", "reset", "timeout"] as const)
    .filter((outcome) => failures[outcome] > 0)
    .map((outcome) => `${formatCount(failures[outcome])} ${outcome}`);
  return `${formatCount(failures.all)} of ${formatNumberOf(connections, "connection")} did not end well (${parts.join(", ")})`;
}

function nothingOf({ ignored, notAsked }: LeftOut): string {
  if (isLoud(notAsked)) return "nothing of what was asked for is";
  return isLoud(ignored) ? "nothing else" : "nothing";
}

function silentChecks(analysis: Analysis): string {
  const silent = silentDetectors(analysis);
  return `${formatNumberOf(silent, "check")} ${silent === 1 ? "was" : "were"} silent`;
}

function healthCheckFact(count: number): string[] {
  return count > 0 ? [`${formatNumberOf(count, "health check")} left out`] : [];
}

function marked(facts: readonly string[], page: Page, sign: string = page.paint.good("✓")): string[] {
  const [first = "", ...more] = joinFacts(facts, page.width - 2).flatMap((line) => wrap(line, page.width - 2));
  return [`${sign} ${first}`, ...more.map((line) => `  ${line}`)];
}
