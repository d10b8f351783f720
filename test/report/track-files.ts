import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pcapFile, type TimedPacket } from "../../fixtures/packets/capture-file.ts";
import { TimeBase } from "../../src/capture/time-base.ts";
import type { TrackedCapture } from "../../src/flow/tracked-capture.ts";
import { analyzeTracked } from "../../src/offline/analyze-captures.ts";
import { ProgressSum } from "../../src/offline/progress-sum.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { trackOne } from "../../src/offline/track-one.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import type { FindingChoice } from "../../src/report/finding-choice.ts";

/** What a capture file holds: packets, or the bytes of the file. */
export type Files = Readonly<Record<string, readonly TimedPacket[] | Uint8Array>>;

export interface Tracked {
  captures: TrackedCapture[];
  timeBase: TimeBase;
}

/** Runs something with a folder of captures, and removes it. */
export async function withFiles<T>(files: Files, run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "l4scope-report-"));
  try {
    for (const [name, contents] of Object.entries(files)) {
      writeFileSync(join(folder, name), contents instanceof Uint8Array ? contents : pcapFile(contents));
    }
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Captures by these names, read as the commands read them; their paths are the names alone. */
export function trackFiles(files: Files): Promise<Tracked> {
  return withFiles(files, async (folder) => {
    const timeBase = new TimeBase();
    const names = Object.keys(files);
    const captures = await trackCaptures(
      names.map((name) => join(folder, name)),
      { timeBase },
    );
    return { timeBase, captures: captures.map((one, index) => ({ ...one, path: names[index] ?? "" })) };
  });
}

/** One capture as two threads would have tracked it, half of the conversations each. */
export function trackInShards(name: string, packets: readonly TimedPacket[]): Promise<Tracked> {
  return withFiles({ [name]: packets }, async (folder) => {
    const timeBase = new TimeBase();
    const parts: TrackedCapture[] = [];
    for (const shard of [0, 1]) {
      const progress = new ProgressSum(null, undefined);
      parts.push(...(await trackOne([join(folder, name)], { timeBase }, progress, { shard, shards: 2 })));
    }
    const [first] = parts;
    if (first === undefined) throw new Error("no part");
    return { timeBase, captures: [{ ...first, path: name, shards: parts.flatMap(({ shards }) => shards) }] };
  });
}

export async function analyseFiles(files: Files, choice: FindingChoice = {}): Promise<Analysis> {
  return analyseTracked(await trackFiles(files), choice);
}

/** Captures that were tracked, joined and judged as analyze does. */
export function analyseTracked({ captures, timeBase }: Tracked, choice: FindingChoice = {}): Analysis {
  return analysisOf(analyzeTracked(captures, { timeBase }), choice);
}
