import { HISTORY, HISTORY_LENGTH, HISTORY_SEEN, HISTORY_WORDS } from "./leg-layout.ts";

/** Zeek's history letters (https://docs.zeek.org, conn.log): upper case is the opener's. Bit and code of each. */
export const H_SYN = 0;
export const H_SYN_ACK = 1;
export const H_ACK = 2;
export const H_DATA = 3;
export const H_FIN = 4;
export const H_RST = 5;
export const H_RETRANSMIT = 6;
export const H_ZERO_WINDOW = 7;
export const H_GAP = 8;

const LETTERS = "SHADFRTWG";
export const LETTERS_PER_WORD = 6;

/** Adds a letter the first time its side shows it. `at` is the leg's base in `words`. */
export function addHistory(words: Int32Array, at: number, side: number, letter: number): void {
  const bit = 1 << (letter + side * 16);
  const seen = words[at + HISTORY_SEEN]!;
  if ((seen & bit) !== 0) return;
  words[at + HISTORY_SEEN] = seen | bit;
  const length = words[at + HISTORY_LENGTH]!;
  if (length >= HISTORY_WORDS * LETTERS_PER_WORD) return;
  words[at + HISTORY + Math.floor(length / LETTERS_PER_WORD)]! |=
    (letter + side * 16) << ((length % LETTERS_PER_WORD) * 5);
  words[at + HISTORY_LENGTH] = length + 1;
}

/** The history as Zeek prints it, e.g. `ShADadFf`. */
export function readHistory(words: Int32Array, at: number): string {
  let text = "";
  for (let i = 0; i < words[at + HISTORY_LENGTH]!; i++) {
    const code = (words[at + HISTORY + Math.floor(i / LETTERS_PER_WORD)]! >>> ((i % LETTERS_PER_WORD) * 5)) & 0x1f;
    const letter = LETTERS[code & 15] ?? "?";
    text += code & 16 ? letter.toLowerCase() : letter;
  }
  return text;
}
