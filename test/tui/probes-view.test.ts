import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createPage } from "../../src/report/text/page.ts";
import { snapshotText } from "../../src/tui/snapshot.ts";
import { modelOf } from "../support/live-model.ts";

const probe = { attached: "tp_btf", lost: 0, nanosecondsPerEvent: Number.NaN, coreShare: Number.NaN };

/** The rows of the view of probes as cells. */
function rowsOf(parts: Parameters<typeof modelOf>[0]): string[][] {
  const text = stripVTControlCharacters(snapshotText(modelOf(parts), createPage(160, true)));
  const [, below = ""] = text.split("\nProbes\n");
  return below
    .split("\n")
    .slice(1)
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/ {2,}/));
}

test("what the kernel drops is shown below the probe that counts it", () => {
  const rows = rowsOf({
    probes: [{ ...probe, name: "skbdrop", events: 1250 }],
    drops: {
      counts: [
        { reason: "NEIGH_FAILED", packets: 1200, packetsPerSecond: 40 },
        { reason: "NO_SOCKET", packets: 50, packetsPerSecond: 0 },
      ],
      notes: [],
    },
  });
  expect(rows.map(([name]) => name)).toEqual(["skbdrop", "NEIGH_FAILED", "NO_SOCKET"]);
  expect(rows[1]).toEqual(["NEIGH_FAILED", "kernel drops", "1.2k", "40"]);
});

test("where drops cannot be counted it says why", () => {
  const rows = rowsOf({ drops: { counts: null, notes: ["skbdrop needs CAP_PERFMON; run as root"] } });
  expect(rows).toEqual([["drops: skbdrop needs CAP_PERFMON; run as root"]]);
});
