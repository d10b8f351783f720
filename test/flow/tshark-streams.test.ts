import { describe, expect, it } from "vitest";
import { CaptureError } from "../../src/capture/reader.ts";
import { requires } from "../support/requirement.ts";
import { everyNth, onePerScenario, referenceCaptures } from "./reference-captures.ts";
import { compareWithTshark } from "./tshark-agreement.ts";

const needs = requires({ tool: "tshark", path: "../shared/labelled" });
const all = process.env.L4SCOPE_ALL === "1";
const captures = referenceCaptures();
const LONG_MS = 30 * 60_000;

interface Summary {
  streams: number;
  equal: number;
  /** Frames by the reason for which they are left out. */
  reasons: Map<string, number>;
  unexplained: string[];
}

/** Two captures at a time. */
async function compare(paths: readonly string[]): Promise<Summary> {
  const summary: Summary = { streams: 0, equal: 0, reasons: new Map(), unexplained: [] };
  const queue = [...paths];
  const work = async (): Promise<void> => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) await compareOne(path, summary);
  };
  await Promise.all([work(), work()]);
  return summary;
}

async function compareOne(path: string, summary: Summary): Promise<void> {
  const agreement = await compareWithTshark(path).catch((error: unknown) => {
    // tshark reads formats that l4scope does not (snoop); src/capture has its own tests
    if (error instanceof CaptureError) return null;
    throw error;
  });
  if (agreement === null) return;
  summary.streams += agreement.streams;
  summary.equal += agreement.equal;
  for (const { reason, what, frames } of agreement.differences) {
    if (reason === null) summary.unexplained.push(`${path}: ${what}, frames ${frames.slice(0, 5)}`);
    else summary.reasons.set(reason, (summary.reasons.get(reason) ?? 0) + frames.length);
  }
}

/** Streams have the same frames, packets and bytes each way; what differs has a reason. */
function expectAgreement(summary: Summary): void {
  expect(summary.unexplained).toEqual([]);
  expect(summary.equal).toBe(summary.streams);
  for (const [reason, frames] of summary.reasons) console.info(`${frames} frames left out: ${reason}`);
  console.info(`${summary.equal} of ${summary.streams} streams equal`);
}

describe.skipIf(needs.missing)("TCP conversations are those of tshark", () => {
  it(
    "in runs of load balancers",
    async () => {
      const summary = await compare(all ? captures.labelled : onePerScenario(captures.labelled));
      expectAgreement(summary);
      expect(summary.streams).toBeGreaterThan(5000);
    },
    LONG_MS,
  );

  it(
    "in captures of every kind",
    async () => {
      const summary = await compare(everyNth(captures.withTcp, all ? 1 : 2));
      expectAgreement(summary);
      expect(summary.streams).toBeGreaterThan(100);
    },
    LONG_MS,
  );

  it(
    "and none where tshark has none",
    async () => {
      const summary = await compare(everyNth(captures.withoutTcp, all ? 1 : 30));
      expectAgreement(summary);
      expect(summary.streams).toBe(0);
    },
    LONG_MS,
  );
});
