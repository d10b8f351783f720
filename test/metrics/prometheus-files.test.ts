import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { allMetrics, CONNECT_DURATION } from "../../src/metrics/metric-table.ts";
import { projectDir, requires } from "../support/requirement.ts";

const folder = join(projectDir, "docs/prometheus");
const read = (name: string) => readFileSync(join(folder, name), "utf8");

/** Names of ours in an expression; a histogram's series count as the histogram. */
function metricsIn(text: string): string[] {
  return [...text.matchAll(/(?<![:\w])l4scope_[a-z0-9_]+/g)].map(([name]) =>
    name.startsWith(CONNECT_DURATION.name) ? CONNECT_DURATION.name : name,
  );
}

describe.each(["alerts.yml", "recording-rules.yml", "grafana-dashboard.json"])("%s", (name) => {
  test("asks only for metrics that there are", () => {
    const known = new Set(allMetrics().map((metric) => metric.name));
    const used = metricsIn(read(name));
    expect(used.length).toBeGreaterThan(5);
    expect(used.filter((metric) => !known.has(metric))).toEqual([]);
  });
});

test("every alert has a summary, a description and a severity", () => {
  const { groups } = parse(read("alerts.yml")) as {
    groups: { rules: { alert: string; labels?: { severity?: string }; annotations?: Record<string, string> }[] }[];
  };
  for (const rule of groups.flatMap(({ rules }) => rules)) {
    expect(rule, rule.alert).toMatchObject({
      labels: { severity: expect.stringMatching(/^(critical|warning|info)$/) },
      annotations: { summary: expect.any(String), description: expect.any(String) },
    });
  }
});

test("the dashboard's panels do not lie over one another", () => {
  const { panels } = JSON.parse(read("grafana-dashboard.json")) as {
    panels: { title: string; gridPos: { x: number; y: number; w: number; h: number } }[];
  };
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      expect(x).toBeLessThan(24);
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.get(`${x},${y}`)).toBeUndefined();
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

const { missing } = requires({ tool: "promtool" });

describe.skipIf(missing)("promtool", () => {
  test.each([
    ["check", "rules", "alerts.yml", "recording-rules.yml"],
    ["test", "rules", "alerts.test.yml"],
  ])("%s %s passes", (...args) => {
    const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: folder, encoding: "utf8" });
    expect(`${stdout}${stderr}`).not.toMatch(/FAILED/);
    expect(status).toBe(0);
  });
});
