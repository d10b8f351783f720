import { QuestionError } from "./question-error.ts";

/**
 * Reads the value of an option in the kind that its default has: numbers in decimal or 0x, bytes in hex, lists with +
 * between.
 *
 * @param path names it in the message
 * @throws QuestionError
 */
export function parseOptionValue(text: string, byDefault: unknown, path: string): unknown {
  const wrong = (expected: string) => new QuestionError(`${path}=${text}: expected ${expected}`);
  switch (typeof byDefault) {
    case "number":
      if (!/^(-?\d+(\.\d+)?|0x[\da-f]+)$/i.test(text) || !Number.isFinite(Number(text))) throw wrong("a number");
      return Number(text);
    case "bigint":
      if (!/^(\d+|0x[\da-f]+)$/i.test(text)) throw wrong("a whole number");
      return BigInt(text);
    case "boolean":
      if (!/^(true|false|yes|no|on|off|1|0)$/i.test(text)) throw wrong("yes or no");
      return /^(true|yes|on|1)$/i.test(text);
    case "string":
      return text;
  }
  if (byDefault instanceof Uint8Array) {
    const hex = text.replace(/^0x/i, "").replaceAll(":", "");
    if (!/^([\da-f]{2})+$/i.test(hex)) throw wrong(`bytes in hex, as ${Buffer.from(byDefault).toString("hex")}`);
    return Uint8Array.from(Buffer.from(hex, "hex"));
  }
  if (Array.isArray(byDefault)) {
    const parts = text === "" ? [] : text.split("+");
    return parts.map((part) => parseOptionValue(part, byDefault[0] ?? "", path));
  }
  throw wrong("nothing: it cannot be set here");
}
