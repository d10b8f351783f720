import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { analysisOf } from "../../src/report/analysis.ts";
import type { FindingChoice } from "../../src/report/finding-choice.ts";
import { projectDir } from "../support/requirement.ts";

const isLoud = ({ severity }: { severity: string }) => severity !== "info";

async function lab(...names: string[]) {
  const paths = names.flatMap((name) => {
    const folder = join(projectDir, "fixtures/scenarios", name);
    const { files } = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as { files: string[] };
    return files.map((file) => join(folder, file));
  });
  const run = await analyzeCaptures(paths, { timeBase: new TimeBase() });
  return (choice: FindingChoice) => analysisOf(run, choice);
}

test.each([
  ["direct-reply", "path.direct-reply", ["path.asymmetric"]],
  ["ecmp-mesh-polarized", "ecmp.polarization", ["ecmp.skew"]],
  ["icmp-prohibited", "path.icmp-unreachable", ["backend.unreachable"]],
  ["spray", "path.spray", ["ecmp.rehash"]],
  ["vrrp-failover", "lb.failover", ["ecmp.rehash"]],
  ["vrrp-split-brain", "lb.split-brain", ["ecmp.rehash"]],
])("%s: with %s ignored nothing pops up; what it explains is there for who asks", async (name, cause, symptoms) => {
  const choose = await lab(name);
  expect(
    choose({})
      .findings.filter(isLoud)
      .map(({ id }) => id),
  ).toEqual([cause]);
  const known = choose({ ignore: [cause] });
  expect(known.findings.filter(isLoud)).toEqual([]);
  expect(known.leftOut.ignored.map(({ id }) => id)).toEqual([cause]);
  expect(known.leftOut.explainedAway.map(({ id }) => id).sort()).toEqual(symptoms);
  for (const symptom of symptoms) {
    const { findings } = choose({ only: [symptom] });
    expect(findings.map(({ id }) => id)).toEqual([symptom]);
    expect(findings[0]?.explainedBy).toMatch(new RegExp(`^${cause.replace(".", "\\.")}: `));
  }
});

test("two troubles at once: with the worse ignored the other stands alone", async () => {
  const choose = await lab("vrrp-failover", "haproxy-backend-refusing");
  const both = choose({})
    .findings.filter(isLoud)
    .map(({ id }) => id);
  expect(both).toContain("lb.failover");
  const others = both.filter((id) => id !== "lb.failover");
  expect(others.length).toBeGreaterThan(0);
  const known = choose({ ignore: ["lb.failover"] });
  expect(known.findings.filter(isLoud).map(({ id }) => id)).toEqual(others);
});
