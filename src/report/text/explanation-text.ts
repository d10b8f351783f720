import type { Explanation } from "../explanations/explanation.ts";
import { EXPLANATIONS, FAMILIES } from "../explanations/explanations.ts";
import { type Page, wrap } from "./page.ts";

/** Lines longer than this are hard to read, however wide the terminal. */
const LONGEST_LINE = 100;

/** Everything there is to know of one finding. */
export function explanationText(id: string, explanation: Explanation, page: Page): string {
  const { summary, means, found, alternatives, confirm, remedy } = explanation;
  const width = Math.min(page.width, LONGEST_LINE);
  const prose = (title: string, text: string) => [
    page.paint.title(title),
    ...wrap(text, width - 2).map((line) => `  ${line}`),
  ];
  const list = (title: string, texts: readonly string[]) => [
    page.paint.title(title),
    ...texts.flatMap((text) =>
      wrap(text, width - 4, "  ").map((line, index) => (index === 0 ? `  - ${line}` : `  ${line}`)),
    ),
  ];
  const blocks = [
    [`${page.paint.title(id)}: ${summary}`],
    prose("What it means", means),
    prose("How it is found", found),
    list("What else it could be", alternatives),
    list("How to make sure", confirm),
    list("What to do", remedy),
  ];
  return blocks.map((block) => block.join("\n")).join("\n\n");
}

/** All findings by family, a line each. */
export function explanationListText(page: Page): string {
  const ids = Object.keys(EXPLANATIONS);
  const width = Math.max(...ids.map((id) => id.length));
  const blocks = Object.entries(FAMILIES).map(([family, where]) => [
    `${page.paint.title(family)} ${page.paint.quiet(where)}`,
    ...ids
      .filter((id) => id.startsWith(`${family}.`))
      .map((id) => `  ${id.padEnd(width)}  ${EXPLANATIONS[id]?.summary ?? ""}`),
  ]);
  return [...blocks.map((block) => block.join("\n")), "l4scope explain ID tells all of one."].join("\n\n");
}
