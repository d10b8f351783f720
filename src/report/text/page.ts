import pc from "picocolors";

/** What text is laid out for. */
export interface Page {
  /** Columns of the terminal. */
  width: number;
  /** All rows of every table. */
  full: boolean;
  paint: Paint;
}

/** Colours that mean one thing each; whatever they say, a sign or a word says too. */
export interface Paint {
  /** Users are hurt. */
  bad(text: string): string;
  /** A risk. */
  risk(text: string): string;
  good(text: string): string;
  /** Beside the point. */
  quiet(text: string): string;
  title(text: string): string;
}

/** Below this nothing lines up any more; a narrower terminal wraps. */
const LEAST_WIDTH = 72;
const DEFAULT_WIDTH = 80;

/**
 * @param width columns; what is no terminal has none, and gets 80.
 * @param colours whether the output goes to a terminal that shows them; by default as the environment has it.
 */
export function createPage(width: number | undefined, full: boolean, colours: boolean = pc.isColorSupported): Page {
  const { red, yellow, green, dim, bold } = pc.createColors(colours);
  const paint = { bad: red, risk: yellow, good: green, quiet: dim, title: bold };
  return { width: Math.max(LEAST_WIDTH, width || DEFAULT_WIDTH), full, paint };
}

/** Names out of captures (files, interfaces) without what would move the cursor or break the line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\u{fffd}");
}

/** A text as lines of at most `width` columns, broken between words; later lines begin with `indent`. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** The end of a text that is too long, behind an ellipsis: of a path, the end tells most. */
export function keepEnd(text: string, columns: number): string {
  const letters = [...text];
  return letters.length <= columns ? text : `…${letters.slice(letters.length - columns + 1).join("")}`;
}

/** The name of an observation point as a table shows it: a quarter of the page unless all is asked for. */
export function pointLabel(name: string, page: Page): string {
  return keepEnd(printable(name), page.full ? Number.POSITIVE_INFINITY : Math.max(12, Math.floor(page.width / 4)));
}

/** Columns that a text takes, code points counted; wide letters are not known. */
export function columnsOf(text: string): number {
  return [...text].length;
}
