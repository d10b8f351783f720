import type { SelectionMethod } from "../../balance/selection/selection.ts";
import { type Page, wrap } from "../text/page.ts";
import { factLines } from "./hash-words.ts";
import { optionText, valueText } from "./method-choice.ts";

/** The document of `hash --list --json`. */
export interface MethodListDocument {
  schema: "l4scope.hash-methods/1";
  methods: readonly { method: string; summary: string; options: Readonly<Record<string, string | number | boolean>> }[];
}

export function methodListDocument(methods: readonly SelectionMethod[]): MethodListDocument {
  return {
    schema: "l4scope.hash-methods/1",
    methods: methods.map(({ id, summary, defaults }) => ({ method: id, summary, options: plainOptions(defaults) })),
  };
}

/** The methods there are, each with its options and their defaults. */
export function methodListText(methods: readonly SelectionMethod[], page: Page): string {
  const width = Math.max(...methods.map(({ id }) => id.length));
  const indent = " ".repeat(width + 4);
  return methods
    .flatMap(({ id, summary, defaults }) => {
      const [first = "", ...more] = wrap(summary, page.width - indent.length);
      const wrapped = factLines(Object.entries(defaults).map(optionText), page.width - indent.length);
      return [
        `  ${page.paint.title(id.padEnd(width))}  ${first}`,
        ...more.map((line) => indent + line),
        ...wrapped.map((line) => page.paint.quiet(indent + line)),
      ];
    })
    .join("\n");
}

/** Options for a document: what JSON has no kind for as it can be typed. */
export function plainOptions(options: object): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const isPlain = typeof value === "number" || typeof value === "boolean";
      return [name, isPlain ? value : valueText(value)];
    }),
  );
}
