import { filesOf } from "../../flow/tracked-capture.ts";
import type { Analysis } from "../analysis.ts";
import type { CaptureDocument, FileDocument } from "../analysis-contract.ts";
import { pointsOf, problemsByFile } from "../capture-facts.ts";
import { epochOf } from "../epoch.ts";

/** What was read. Times are those of each file's own clock. */
export function captureDocument(analysis: Analysis): CaptureDocument {
  const { captures, timeBase } = analysis;
  const sum = (of: (capture: (typeof captures)[number]) => number) =>
    captures.reduce((total, one) => total + of(one), 0);
  const timed = captures.filter(({ firstTime }) => !Number.isNaN(firstTime));
  return {
    packets: sum((one) => one.packets),
    bytes: sum((one) => one.bytes),
    // of nothing these are infinite, which no time is
    start: epochOf(Math.min(...timed.map(({ firstTime }) => firstTime)), timeBase),
    end: epochOf(Math.max(...timed.map(({ lastTime }) => lastTime)), timeBase),
    files: captures.flatMap((_, index) => fileDocuments(analysis, index)),
  };
}

function fileDocuments({ captures, subject, timeBase }: Analysis, index: number): FileDocument[] {
  const capture = captures[index]!;
  const clock = subject.connected.clocks[index];
  const uncertainty = clock?.uncertainty ?? Number.POSITIVE_INFINITY;
  const known = problemsByFile(capture);
  return filesOf(capture).map(({ path, packets, bytes, firstTime, lastTime }) => ({
    path,
    format: capture.format,
    packets,
    bytes,
    start: epochOf(firstTime, timeBase),
    end: epochOf(lastTime, timeBase),
    observationPoints: pointsOf(capture),
    clockOffset: (clock?.offset ?? 0) / 1e9,
    clockUncertainty: Number.isFinite(uncertainty) ? uncertainty / 1e9 : null,
    clockDrift: (clock?.drift ?? 0) / 1e9,
    problems: known.filter((one) => one.path === path).map(({ code, message, offset }) => ({ code, message, offset })),
  }));
}
