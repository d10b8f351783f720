import type { Analysis } from "../analysis.ts";
import { detectorIds } from "../finding-choice.ts";
import { formatCount, formatNumberOf } from "../format-quantity.ts";
import { joinFacts } from "./headline.ts";
import { type Page, printable, wrap } from "./page.ts";

/** Where something was found: what was looked at besides, in a line. */
export function nothingElse(analysis: Analysis, page: Page): string[] {
  const { findings, subject, leftOut } = analysis;
  const isLoud = findings.some(({ severity }) => severity !== "info");
  const facts = [
    `nothing ${isLoud ? "else" : "wrong"}: ${silentChecks(analysis)}`,
    ...(leftOut > 0 ? [`${formatNumberOf(leftOut, "finding")} left out as asked`] : []),
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
  const facts = [
    `nothing wrong with ${formatNumberOf(users.length, "connection")}: ${silentChecks(analysis)}`,
    ...(open > 0 ? [`${formatCount(open)} still open at the end`] : []),
    ...(leftOut > 0 ? [`${formatNumberOf(leftOut, "finding")} left out as asked`] : []),
    ...healthCheckFact(subject.connections.filter(({ healthCheck }) => healthCheck).length),
    ...(page.full ? [] : ["--full shows all"]),
  ];
  return marked(facts, page);
}

/** What could not be seen, a remark each. */
export function blindSpotLines(spots: readonly string[], page: Page): string[] {
  return spots.flatMap((spot) => {
    const [first = "", ...more] = wrap(`not seen: ${printable(spot)}`, page.width - 2);
    return [`${page.paint.quiet("?")} ${first}`, ...more.map((line) => `  ${line}`)];
  });
}

function silentChecks({ findings }: Analysis): string {
  const found = new Set(findings.map(({ id }) => id));
  const silent = detectorIds().filter((id) => !found.has(id)).length;
  return `${formatNumberOf(silent, "check")} ${silent === 1 ? "was" : "were"} silent`;
}

function healthCheckFact(count: number): string[] {
  return count > 0 ? [`${formatNumberOf(count, "health check")} left out`] : [];
}

function marked(facts: readonly string[], page: Page): string[] {
  const [first = "", ...more] = joinFacts(facts, page.width - 2).flatMap((line) => wrap(line, page.width - 2));
  return [`${page.paint.good("✓")} ${first}`, ...more.map((line) => `  ${line}`)];
}
