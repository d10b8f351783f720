import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { projectDir, requires } from "../support/requirement.ts";
import { captureFiles, type Frame, framesOf } from "./corpus.ts";
import { type Comparison, compareWithTshark } from "./tshark-differences.ts";
import { explanationOf, KNOWN_DIFFERENCES } from "./tshark-known-differences.ts";
import { tsharkLayers } from "./tshark-layers.ts";

const CAPTURES = "../shared/captures";
const LABELLED = "../shared/labelled";
/** With L4SCOPE_ALL=1 every labelled capture is read, else a third of them. */
const isAll = process.env.L4SCOPE_ALL === "1";
const FRAMES_PER_RUN = 20_000;

describe.skipIf(requires({ tool: "tshark", path: CAPTURES }).missing)("odd and damaged captures", () => {
  test("every TCP and UDP header is read as tshark reads it, but for differences that are meant", async () => {
    const folder = resolve(projectDir, CAPTURES);
    const compared = await compareCaptures(folder, captureFiles(folder));
    const unexplained = compared.differences.filter((difference) => explanationOf(difference) === undefined);
    expect(unexplained).toEqual([]);
    const explained = new Set(compared.differences.map(explanationOf));
    expect(KNOWN_DIFFERENCES.filter((known) => !explained.has(known))).toEqual([]);
    expect(compared.tcp).toBeGreaterThan(2500);
    expect(compared.udp).toBeGreaterThan(2000);
  });
});

describe.skipIf(requires({ tool: "tshark", path: LABELLED }).missing)("captures of real load balancers", () => {
  test("every TCP and UDP header is read as tshark reads it", { timeout: 300_000 }, async () => {
    const folder = resolve(projectDir, LABELLED);
    const files = captureFiles(folder).filter((_, i) => isAll || i % 3 === 0);
    const compared = await compareCaptures(folder, files);
    expect(compared.differences).toEqual([]);
    expect(compared.tcp).toBeGreaterThan(100_000);
  });
});

/** Compares whole captures, about FRAMES_PER_RUN frames in each run of tshark and two runs at once. */
async function compareCaptures(folder: string, files: readonly string[]): Promise<Comparison> {
  const total: Comparison = { tcp: 0, udp: 0, differences: [] };
  const left = [...files];
  const worker = async () => {
    while (left.length > 0) {
      const frames: Frame[] = [];
      for (let file = left.shift(); file !== undefined; file = left.shift()) {
        for (const frame of await framesOf(folder, file)) frames.push(frame);
        if (frames.length >= FRAMES_PER_RUN) break;
      }
      const part = compareWithTshark(frames, await tsharkLayers(frames));
      total.tcp += part.tcp;
      total.udp += part.udp;
      total.differences.push(...part.differences);
    }
  };
  await Promise.all([worker(), worker()]);
  return total;
}
