/** The lines of a text, numbered from 1, without their ends; a text of any size without an array of it all. */
export function* textLines(text: string): Generator<{ line: string; number: number }> {
  let number = 1;
  for (let from = 0; from < text.length; number++) {
    let to = text.indexOf("\n", from);
    if (to < 0) to = text.length;
    const end = to > from && text.charCodeAt(to - 1) === 13 ? to - 1 : to;
    yield { line: text.slice(from, end), number };
    from = to + 1;
  }
}

/** Longer than any tool prints: not to be looked at by regular expressions. */
export const MAX_LINE = 4096;
