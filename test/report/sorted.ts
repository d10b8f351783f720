import { expect } from "vitest";
import type { z } from "zod";
import type { SortKey } from "../../src/report/flows/leg-sort.ts";
import type { connectionSchema } from "./analysis-schema.ts";

type Listed = Pick<
  z.infer<typeof connectionSchema>,
  "start" | "end" | "bytes" | "packets" | "retransmits" | "handshake"
>;

/** What each key sorts by, largest first, as far as the document has it. */
export const SORT_VALUE: Readonly<Record<SortKey, (one: Listed) => number>> = {
  start: (one) => -Number(one.start),
  duration: (one) => Number(one.end) - Number(one.start),
  bytes: ({ bytes }) => bytes.up + bytes.down,
  packets: ({ packets }) => packets.up + packets.down,
  retransmits: ({ retransmits }) => retransmits.up + retransmits.down,
  handshake: ({ handshake }) => handshake ?? -1,
  // not in the document: only that they are all there
  "first-byte": () => 0,
};

/** Expects that no value is larger than the one before it. */
export function expectDescending(values: readonly number[]): void {
  values.reduce((before, own) => {
    expect(own).toBeLessThanOrEqual(before + 1e-6);
    return own;
  });
}
