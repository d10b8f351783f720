import type { PoolChange } from "../../balance/what-if/pool-change.ts";
import { formatCount, formatNumberOf, formatShare } from "../format-quantity.ts";
import { joinFacts } from "../text/headline.ts";
import { type Page, printable, wrap } from "../text/page.ts";
import type { HashReport } from "./hash-report.ts";
import type { KeySet, Pool } from "./question.ts";

/** What is hashed over what, in a line or two. */
export function headLines({ pool }: HashReport<unknown>, subject: readonly string[], page: Page): string[] {
  const weights = new Set(pool.backends.map(({ weight }) => weight));
  const backends = `${formatNumberOf(pool.backends.length, "backend")}${weights.size > 1 ? ", weighted" : ""}`;
  return joinFacts([...subject, backends], page.width).map(page.paint.title);
}

/** `100,000 connections of 25,000 made-up clients (spread, seed 1)`. */
export function keysText({ source, keys, clients, kind, seed }: KeySet, { vip, protocol }: Pool): string[] {
  const count = formatNumberOf(keys.length, "connection");
  const whom = `${vip} ${protocol}`;
  if (source === "capture") return [`${count} of ${formatNumberOf(clients, "captured client")}`, whom];
  return [`${count} of ${formatNumberOf(clients, "made-up client")} (${kind}, seed ${seed})`, whom];
}

/** `adding 10.2.0.14:8080 and draining 10.2.0.11:8080`. */
export function changeText({ add, remove, drain, reweigh }: PoolChange): string {
  const named = (verb: string, names: readonly string[]) => {
    if (names.length === 0) return [];
    return [`${verb} ${names.length > 3 ? formatNumberOf(names.length, "backend") : names.join(" and ")}`];
  };
  const parts = [
    ...named(
      "adding",
      add.map(({ name }) => name),
    ),
    ...named("removing", remove),
    ...named("draining", drain),
    ...named(
      "weighing",
      reweigh.map(({ name, weight }) => `${name} as ${formatCount(weight)}`),
    ),
  ];
  return parts.length < 3 ? parts.join(" and ") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** Methods whose balancers would not take the question, and what should be known of the pool. */
export function remarks({ answers, pool }: HashReport<unknown>, page: Page): string[] {
  const refused = answers.flatMap(({ chosen, refusal }) => (refusal === null ? [] : [`${chosen.label}: ${refusal}`]));
  return [...refused, ...pool.notes].flatMap((note) =>
    wrap(`? ${printable(note)}`, page.width, "  ").map((line) => page.paint.quiet(line)),
  );
}

/** Facts behind one another, each on a line of its own where need be; what has no blanks is broken anywhere. */
export function factLines(facts: readonly string[], width: number): string[] {
  const letters = width - 2;
  const longWord = new RegExp(`\\S{${letters}}(?=\\S)`, "g");
  return joinFacts(facts, width).flatMap((line) => wrap(line.replace(longWord, "$& "), width, "  "));
}

/** A line that begins with a sign, wrapped under itself. */
export function signed(sign: "good" | "risk" | "none", text: string, page: Page): string[] {
  const [first = "", ...more] = wrap(text, page.width - 2);
  const mark = { good: page.paint.good("✓"), risk: page.paint.risk("!"), none: "·" }[sign];
  return [`${mark} ${first}`, ...more.map((line) => `  ${line}`)];
}

/** `1.02`: how many times what it should be. */
export function timesText(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 9.995 ? 1 : 2);
}

/** A part of 1 in percent. */
export function partText(part: number): string {
  return formatShare(part * 1000, 1000);
}

export function probabilityText(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
