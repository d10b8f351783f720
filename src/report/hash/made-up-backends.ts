import type { HashBackend } from "../../balance/selection/selection.ts";
import { type NumberRange, parseRange } from "./number-range.ts";
import { QuestionError } from "./question-error.ts";

/** Made-up backends have the weight and port of most. */
const MADE_UP_NETWORK = [10, 2];
const MADE_UP_PORT = 8080;
const MOST_MADE_UP = 4096;

/** Reads `--grow 10..20`. @throws QuestionError */
export function parseGrowth(text: string): NumberRange {
  const range = parseRange("--grow", text, 1, MOST_MADE_UP);
  if (range.to <= range.from) throw new QuestionError(`--grow ${text}: the second number must be the larger`);
  return range;
}

/** At least so many backends: those there are, then made-up ones of weight 1. */
export function filledUp(backends: readonly HashBackend[], count: number): HashBackend[] {
  const filled = [...backends];
  for (let host = 1; filled.length < count; host++) {
    const address = Uint8Array.of(...MADE_UP_NETWORK, host >>> 8, host & 255);
    const name = `${address.join(".")}:${MADE_UP_PORT}`;
    if (!filled.some((backend) => backend.name === name)) {
      filled.push({ name, address, port: MADE_UP_PORT, weight: 1 });
    }
  }
  return filled;
}
