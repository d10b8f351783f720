import { formatNumberOf } from "../format-quantity.ts";
import { type Page, printable, wrap } from "../text/page.ts";
import type { ExplainAnswer, ExplainReport } from "./hash-report.ts";
import { changeText, factLines, headLines, remarks, signed } from "./hash-words.ts";
import { keyText } from "./key-text.ts";

/** Where one connection goes by each method, with every step on the way. */
export function explainText(report: ExplainReport, page: Page): string {
  const { answers, connection, change } = report;
  const { client, vip } = keyText(connection);
  const told = answers.flatMap(({ chosen, answer }) => (answer === null ? [] : [{ label: chosen.label, answer }]));
  const labelWidth = Math.max(...told.map(({ label }) => label.length));
  const indent = " ".repeat(labelWidth + 4);
  const stepLines = (steps: ExplainAnswer["steps"]) => {
    const facts = steps.map(({ name, value }) => `${printable(name)} ${printable(value)}`);
    return factLines(facts, page.width - indent.length).map((line) => page.paint.quiet(indent + line));
  };
  const blocks = told.map(({ label, answer }) => {
    const { backend, steps, afterwards } = answer;
    const lines = [`  ${label.padEnd(labelWidth)}  ${backend ?? "none"}`, ...stepLines(steps)];
    if (afterwards !== null && change !== null) {
      const move = afterwards.backend === null ? "is turned away" : `goes to ${afterwards.backend}`;
      const verb = afterwards.backend === backend ? "stays" : move;
      lines.push(
        ...wrap(`after ${changeText(change)}: ${verb}`, page.width - indent.length).map((line) => indent + line),
      );
      if (afterwards.backend !== backend) lines.push(...stepLines(afterwards.steps));
    }
    return lines.join("\n");
  });
  const head = [
    ...headLines(report, [`${client} → ${vip} ${report.pool.protocol}`], page),
    ...signed("none", verdict(told.map(({ answer }) => answer.backend)), page),
    ...remarks(report, page),
  ];
  return [head.join("\n"), ...blocks].join("\n\n");
}

/** `10.2.0.12:8080 by 4 of 6 methods, 10.2.0.11:8080 by 2`. */
function verdict(backends: readonly (string | null)[]): string {
  const counts = new Map<string, number>();
  for (const backend of backends) counts.set(backend ?? "none", (counts.get(backend ?? "none") ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const [first, ...others] = sorted;
  if (first === undefined) return "no method answers";
  if (others.length === 0)
    return `goes to ${first[0]}${backends.length > 1 ? ` by all ${backends.length} methods` : ""}`;
  const rest = others.map(([name, count]) => `${name} by ${count}`);
  return `goes to ${first[0]} by ${first[1]} of ${formatNumberOf(backends.length, "method")}, to ${rest.join(", to ")}`;
}
