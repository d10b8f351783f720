/** A statement of a configuration with braces: words, and the statements inside its braces. */
export interface Statement {
  words: readonly string[];
  line: number;
  /** null where the statement has no braces. */
  children: Statement[] | null;
}

/** How a language ends its statements and begins its comments. */
export interface BlockSyntax {
  /** `;` ends a statement (nginx), else the end of the line does (keepalived). */
  semicolons: boolean;
  /** Characters that begin a comment where a word could begin. */
  comments: string;
}

/** Deeper than any configuration; beyond it the braces are not followed. */
const MAX_DEPTH = 64;

interface Token {
  kind: "word" | "{" | "}" | "end";
  text: string;
  line: number;
}

/**
 * Reads a configuration with braces as far as it goes.
 * @param problem is told of braces that do not match
 */
export function readBlocks(
  text: string,
  syntax: BlockSyntax,
  problem: (line: number, message: string) => void,
): Statement[] {
  const root: Statement[] = [];
  const stack: { statements: Statement[]; line: number }[] = [{ statements: root, line: 0 }];
  let words: string[] = [];
  let wordsLine = 0;
  const close = (children: Statement[] | null, line: number) => {
    if (words.length > 0 || children !== null) {
      stack.at(-1)?.statements.push({ words, line: words.length > 0 ? wordsLine : line, children });
    }
    words = [];
  };
  for (const token of tokens(text, syntax)) {
    if (token.kind === "word") {
      if (words.length === 0) wordsLine = token.line;
      words.push(token.text);
    } else if (token.kind === "end") {
      close(null, token.line);
    } else if (token.kind === "{") {
      // keepalived also lets the brace stand alone on the next line
      const above = stack.at(-1)?.statements;
      const last = above?.at(-1);
      const children: Statement[] = [];
      if (words.length === 0 && !syntax.semicolons && last?.children === null) last.children = children;
      else close(children, token.line);
      if (stack.length > MAX_DEPTH) {
        problem(token.line, `braces nested deeper than ${MAX_DEPTH}: the rest is left out`);
        return root;
      }
      stack.push({ statements: children, line: token.line });
    } else {
      close(null, token.line);
      if (stack.length > 1) stack.pop();
      else problem(token.line, "a closing brace without an opening one");
    }
  }
  close(null, 0);
  const open = stack.slice(1).at(-1);
  if (open) problem(open.line, "this brace is never closed");
  return root;
}

function* tokens(text: string, { semicolons, comments }: BlockSyntax): Generator<Token> {
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === "\n") {
      if (!semicolons) yield { kind: "end", text: "", line };
      line++;
      at++;
    } else if (/\s/.test(char)) {
      at++;
    } else if (comments.includes(char)) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else if (char === "{" || char === "}") {
      yield { kind: char, text: char, line };
      at++;
    } else if (char === ";" && semicolons) {
      yield { kind: "end", text: "", line };
      at++;
    } else {
      const word = readWord(text, at, semicolons);
      yield { kind: "word", text: word.text, line };
      for (let i = at; i < word.end; i++) if (text[i] === "\n") line++;
      at = word.end;
    }
  }
}

/** A word up to white space, a brace or the statement's end; quotes and backslashes keep what they hold. */
function readWord(text: string, from: number, semicolons: boolean): { text: string; end: number } {
  let word = "";
  let quote = "";
  let at = from;
  for (; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char === "\\" && at + 1 < text.length && text[at + 1] !== "\n") {
      word += text[++at];
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (char === "$" && text[at + 1] === "{") {
      // a variable in braces is no block
      const end = text.indexOf("}", at);
      if (end < 0) return { text: word + text.slice(at), end: text.length };
      word += text.slice(at, end + 1);
      at = end;
    } else if (/\s/.test(char) || char === "{" || char === "}" || (semicolons && char === ";")) {
      break;
    } else word += char;
  }
  return { text: word, end: at };
}
