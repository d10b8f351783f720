import { Word64 } from "../hashing/word64.ts";
import { AddressText } from "./address-text.ts";
import type { HashRing } from "./hash-ring.ts";
import { ringSelection } from "./ring-selection.ts";
import type { HashBackend, Selection } from "./selection.ts";
import { fieldsText, step } from "./step-text.ts";

/** The hash that a client's address is looked up by: of its text, to 32 bits. */
export interface SourceHash {
  name: string;
  of: (text: Uint8Array, length: number) => number;
}

/**
 * A ring of 32 bits that is looked up by the client's address as text.
 *
 * @param ringOf of the backends' names and weights
 */
export function sourceRing(
  backends: readonly HashBackend[],
  ringOf: (names: readonly string[], weights: readonly number[]) => HashRing,
  hash: SourceHash,
): Selection {
  const ring = ringOf(
    backends.map(({ name }) => name),
    backends.map(({ weight }) => weight),
  );
  const text = new AddressText();
  const word = new Word64();
  return ringSelection(
    backends,
    ring,
    32,
    (key) => word.set(0, hash.of(text.bytes, text.write(key.src))),
    (key) => [step("hashed", `${fieldsText(key, ["src"])} as text`), step("function", hash.name)],
  );
}
