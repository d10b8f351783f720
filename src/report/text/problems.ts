import type { Analysis } from "../analysis.ts";
import { problemsOf } from "../capture-facts.ts";
import { keepEnd, type Page, printable, wrap } from "./page.ts";

/** What is wrong with the captures themselves, a remark each. */
export function problems({ captures }: Analysis, page: Page): string[] {
  return captures.flatMap((capture) =>
    problemsOf(capture).flatMap(({ message }) => {
      const path = keepEnd(printable(capture.path), page.full ? Number.POSITIVE_INFINITY : page.width - 30);
      const [first = "", ...more] = wrap(`${path}: ${printable(message)}`, page.width - 2);
      return [`${page.paint.risk("!")} ${first}`, ...more.map((line) => `  ${line}`)];
    }),
  );
}
