import type { Finding } from "../../diagnose/finding.ts";
import type { Analysis } from "../analysis.ts";
import { columnsOf, type Page, printable } from "./page.ts";

/** Commands that show more of the first finding, ready to be copied. */
export function lookCloser(analysis: Analysis, worst: Finding, page: Page): string[] {
  const { subject, captures } = analysis;
  const steps = [{ why: "what it means, what else it could be", command: ["explain", worst.id] }];
  const example = worst.connections.map((id) => subject.connections[id]).find((connection) => connection !== undefined);
  if (example !== undefined) {
    const seenBy = new Set(example.legs.map((ref) => subject.connected.set.trackOf(ref).capture));
    const files = captures.filter((_, capture) => seenBy.has(capture)).map(({ path }) => path);
    const command = ["trace", ...files, "--flow", subject.text(example.client)];
    steps.push({ why: "one of its connections, packet by packet", command });
  }
  return steps.flatMap(({ why, command }) => [`  ${page.paint.quiet(`# ${why}`)}`, ...copyable(command, page.width)]);
}

/** A command line as a shell takes it, continued on further lines where it is long. */
function copyable(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = "  l4scope";
  for (const word of withValues(words)) {
    if (columnsOf(line) + 1 + columnsOf(word) + 2 > width) {
      lines.push(`${line} \\`);
      line = `      ${word}`;
    } else {
      line += ` ${word}`;
    }
  }
  return [...lines, line];
}

/** Quoted words, a flag in one with its value. */
function withValues(words: readonly string[]): string[] {
  const groups: string[] = [];
  for (const word of words) {
    const last = groups.at(-1);
    const isValue = last?.startsWith("--") === true && !last.includes(" ") && !word.startsWith("--");
    if (isValue) groups[groups.length - 1] = `${last} ${shellWord(word)}`;
    else groups.push(shellWord(word));
  }
  return groups;
}

/** A word quoted for POSIX shells where it must be; stdin cannot be read a second time. */
function shellWord(word: string): string {
  if (word === "-") return "CAPTURE";
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (printable(word) !== word) return `$'${[...word].map(escaped).join("")}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** For the `$'…'` of bash and POSIX 2024. */
function escaped(letter: string): string {
  if (letter === "'" || letter === "\\") return `\\${letter}`;
  if (printable(letter) === letter) return letter;
  return [...Buffer.from(letter)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
