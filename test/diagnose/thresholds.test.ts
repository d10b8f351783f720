import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DETECTORS } from "../../src/diagnose/registry.ts";
import { THRESHOLDS } from "../../src/diagnose/thresholds.ts";
import { projectDir } from "../support/requirement.ts";

const page = readFileSync(`${projectDir}/docs/topology.md`, "utf8");
const all = Object.entries(THRESHOLDS).flatMap(([id, names]) =>
  Object.entries(names).map(([name, threshold]) => ({ id, name, ...threshold })),
);

describe("thresholds", () => {
  it.each(all)("$id $name stands in the page on the topology file as it is", ({ id, name, usual, least, most }) => {
    expect(page).toContain(`| \`${id}\` | \`${name}\` | ${usual} | ${least} | ${most} |`);
    expect(usual).toBeGreaterThanOrEqual(least);
    expect(usual).toBeLessThanOrEqual(most);
  });

  it("are those of findings that a detector reports", () => {
    const ids = new Set(DETECTORS.flatMap((detector) => detector.ids));
    expect(Object.keys(THRESHOLDS).filter((id) => !ids.has(id))).toEqual([]);
  });
});
