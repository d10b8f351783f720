import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { jsonChunks } from "../../src/cli/json-chunks.ts";
import { analyzeCaptures } from "../../src/offline/analyze-captures.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import { analysisDocument } from "../../src/report/document/analysis-document.ts";
import { analysisPage } from "../../src/report/html/analysis-page.ts";
import { analysisText } from "../../src/report/text/analysis-text.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";
import { projectDir } from "../support/requirement.ts";
import { analysisSchema } from "./analysis-schema.ts";

/** Captures of the lab as their users would hand them over. */
async function analyseScenario(name: string): Promise<Analysis> {
  const folder = `fixtures/scenarios/${name}`;
  const { files } = JSON.parse(readFileSync(join(projectDir, folder, "expect.json"), "utf8")) as { files: string[] };
  const paths = files.map((file) => join(folder, file));
  return analysisOf(await analyzeCaptures(paths, { timeBase: new TimeBase() }));
}

test.each([
  ["dnat-backend-refusing", 80],
  ["dnat-backend-refusing", 140],
  ["dnat-rr", 80],
  ["vxlan-dsr", 80],
])("%s at %i columns", async (name, width) => {
  const text = analysisText(await analyseScenario(name), createPage(width, false, false));
  for (const line of text.split("\n")) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
  await expect(`${text}\n`).toMatchFileSnapshot(`golden/analyze-${name}-${width}.txt`);
});

test.each([
  "asymmetric-dsr",
  "dnat-health-checks",
  "dnat-ipv6",
  "ecmp-rehash",
  "haproxy-v1",
  "icmp-too-big",
  "injected-reset",
  "syn-flood",
  "udp-backend-refusing",
  "vrrp-failover",
])("%s in every face", async (name) => {
  const analysis = await analyseScenario(name);
  const document = JSON.parse([...jsonChunks(analysisDocument(analysis, { connections: true }))].join(""));
  const parsed = analysisSchema.safeParse(document);
  expect(parsed.error).toBeUndefined();
  const { summary, connections = [] } = parsed.data ?? { summary: null };
  const users = connections.filter(({ role, healthCheck }) => role === "client" && !healthCheck);
  expect(users).toHaveLength(summary?.connections ?? -1);
  expect(connections.filter(({ healthCheck }) => healthCheck)).toHaveLength(summary?.healthChecks ?? -1);
  for (const width of [80, 140]) {
    for (const full of [false, true]) {
      const text = analysisText(analysis, createPage(width, full, false));
      expect(text).not.toMatch(/NaN|undefined|Infinity/);
      for (const line of text.split("\n")) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
    }
  }
  expect(analysisPage(analysis)).not.toMatch(/NaN|undefined|Infinity/);
});
