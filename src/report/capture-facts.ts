import type { CaptureProblem } from "../capture/reader.ts";
import { filesOf, type TrackedCapture } from "../flow/tracked-capture.ts";
import { formatCount, formatNumberOf } from "./format-quantity.ts";

/** Names of a capture's observation points, each once, in the order they turned up. */
export function pointsOf(capture: TrackedCapture): string[] {
  return [...new Set(capture.shards.flatMap(({ pointNames }) => pointNames))];
}

/** Everything that is wrong with a capture: what its reader found, and what the numbers of its packets say. */
export function problemsOf(capture: TrackedCapture): CaptureProblem[] {
  const problems = [...capture.problems];
  const add = (code: string, message: string) => void problems.push({ code, message, offset: 0 });
  for (const [linkType, packets] of capture.skippedLinkTypes) {
    add(
      "unknown-link-type",
      `${formatNumberOf(packets, "packet")} of link type ${linkType} cannot be decoded: left out`,
    );
  }
  const dropped = capture.interfaces.reduce((sum, one) => sum + (one.dropped ?? 0), 0);
  if (dropped > 0) {
    add(
      "capture-dropped",
      `the capture says that it lost ${formatNumberOf(dropped, "packet")}: gaps and one-sided legs may be its own`,
    );
  }
  const cut = sumOf(capture, "cutPackets");
  if (cut > 0) {
    add("cut-headers", `the headers of ${formatNumberOf(cut, "packet")} are cut: record at least 128 bytes (-s 128)`);
  }
  const evicted = sumOf(capture, "evictedLegs");
  if (evicted > 0) {
    add("evicted-legs", `${formatCount(evicted)} idle legs were given up for memory: --max-legs keeps more`);
  }
  return problems;
}

/** The same, each with the file that it is about; what is counted over a recording is about its first. */
export function problemsByFile(capture: TrackedCapture): (CaptureProblem & { path: string })[] {
  const ofFiles = filesOf(capture).flatMap(({ path, problems }) => problems.map((one) => ({ ...one, path })));
  const ofAll = problemsOf(capture).filter((one) => !capture.problems.includes(one));
  return [...ofFiles, ...ofAll.map((one) => ({ ...one, path: capture.path }))];
}

function sumOf(capture: TrackedCapture, total: "cutPackets" | "evictedLegs"): number {
  return capture.shards.reduce((sum, { tracker }) => sum + tracker.totals[total], 0);
}
