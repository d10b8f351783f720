/** What ladders are drawn with; each is one column wide. */
export interface Glyphs {
  /** Lifelines: of a node that was captured, and of one that is only known to be there. */
  line: string;
  unseenLine: string;
  /** Where a packet passes a node unseen. */
  crossing: string;
  /** The way of a packet: as it was seen, and where nobody could see it. */
  way: string;
  unseenWay: string;
  up: string;
  down: string;
  /** Where it ended. */
  end: string;
  /** Lifelines while nothing happens. */
  pause: string;
}

export const UNICODE: Glyphs = {
  line: "│",
  unseenLine: "┊",
  crossing: "┼",
  way: "─",
  unseenWay: "╌",
  up: "▶",
  down: "◀",
  end: "╳",
  pause: "⋮",
};

export const ASCII: Glyphs = {
  line: "|",
  unseenLine: ":",
  crossing: "+",
  way: "-",
  unseenWay: ".",
  up: ">",
  down: "<",
  end: "X",
  pause: ":",
};

const REPLACEMENTS: readonly [RegExp, string][] = [
  [/→/g, "->"],
  [/×/g, "x"],
  [/…/g, "..."],
  [/µ/g, "u"],
  [/·/g, "-"],
  [/±/g, "+-"],
  [/↔/g, "<->"],
  [/✗/g, "x"],
];

/** A text in letters that any terminal has. */
export function asciiText(text: string): string {
  return REPLACEMENTS.reduce((all, [from, to]) => all.replace(from, to), text).replace(/[^\x20-\x7e]/g, "?");
}
