import { textLines } from "./text-lines.ts";

/** A line of a section, in words. */
export interface HaproxyLine {
  words: readonly string[];
  line: number;
}

/** A section of haproxy.cfg with its lines. */
export interface HaproxySection {
  kind: string;
  /** Empty where it has none. */
  name: string;
  line: number;
  lines: HaproxyLine[];
  /** The `defaults` that hold for it: its lines come before its own. */
  defaults: HaproxySection | null;
}

const SECTIONS = new Set([
  "global",
  "defaults",
  "frontend",
  "backend",
  "listen",
  "peers",
  "resolvers",
  "userlist",
  "mailers",
  "cache",
  "program",
  "ring",
  "log-forward",
  "http-errors",
  "fcgi-app",
  "crt-store",
  "traces",
  "log-profile",
]);

/** Splits haproxy.cfg into its sections. What is before the first is in none. */
export function readHaproxySections(text: string): { sections: HaproxySection[]; strays: HaproxyLine[] } {
  const sections: HaproxySection[] = [];
  const strays: HaproxyLine[] = [];
  const named = new Map<string, HaproxySection>();
  let defaults: HaproxySection | null = null;
  let current: HaproxySection | null = null;
  for (const { line: source, number } of textLines(text)) {
    const words = haproxyWords(source);
    const [kind = ""] = words;
    if (kind === "") continue;
    if (!SECTIONS.has(kind)) {
      (current?.lines ?? strays).push({ words, line: number });
      continue;
    }
    const name = words[1] === "from" ? "" : (words[1] ?? "");
    const from = words.indexOf("from");
    const base: HaproxySection | null =
      from > 0 ? (named.get(words[from + 1] ?? "") ?? null) : kind === "defaults" ? null : defaults;
    current = { kind, name, line: number, lines: [], defaults: base };
    sections.push(current);
    if (kind === "defaults") {
      defaults = current;
      if (name !== "") named.set(name, current);
    }
  }
  return { sections, strays };
}

/** All lines that hold for a section, those of its defaults first; a ring of defaults is cut. */
export function effectiveLines(section: HaproxySection): HaproxyLine[] {
  const chain: HaproxySection[] = [];
  for (let at: HaproxySection | null = section; at !== null && !chain.includes(at); at = at.defaults) chain.unshift(at);
  return chain.flatMap(({ lines }) => lines);
}

/** Words of a line: quotes and backslashes keep spaces, `#` begins a comment (configuration.txt 2.2). */
function haproxyWords(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let inWord = false;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? "";
    if (char === "\\" && quote !== "'" && i + 1 < line.length) {
      word += line[++i];
      inWord = true;
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      inWord = true;
    } else if (char === "#") break;
    else if (/\s/.test(char)) {
      if (inWord) words.push(word);
      word = "";
      inWord = false;
    } else {
      word += char;
      inWord = true;
    }
  }
  if (inWord) words.push(word);
  return words;
}
