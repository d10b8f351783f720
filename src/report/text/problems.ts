import type { Analysis } from "../analysis.ts";
import { problemsByFile } from "../capture-facts.ts";
import { keepEnd, type Page, printable, wrap } from "./page.ts";

/** What is wrong with the captures themselves, or does not agree with what was given: a remark each. */
export function problems({ captures, topology }: Analysis, page: Page): string[] {
  const ofCaptures = captures.flatMap((capture) =>
    problemsByFile(capture).map(({ path: file, message }) => {
      const path = keepEnd(printable(file), page.full ? Number.POSITIVE_INFINITY : page.width - 30);
      return `${path}: ${printable(message)}`;
    }),
  );
  return [...ofCaptures, ...topology.contradictions.map(printable)].flatMap((text) => {
    const [first = "", ...more] = wrap(text, page.width - 2);
    return [`${page.paint.risk("!")} ${first}`, ...more.map((line) => `  ${line}`)];
  });
}
