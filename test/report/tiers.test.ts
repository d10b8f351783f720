import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { TimeBase } from "../../src/capture/time-base.ts";
import { diagnose } from "../../src/diagnose/diagnose.ts";
import { trackCaptures } from "../../src/offline/track-captures.ts";
import { connect } from "../../src/path/connect.ts";
import { inferTopology } from "../../src/path/infer-topology.ts";
import { type Analysis, analysisOf } from "../../src/report/analysis.ts";
import type { TierDocument } from "../../src/report/analysis-contract.ts";
import { analysisDocument } from "../../src/report/document/analysis-document.ts";
import { analysisPage } from "../../src/report/html/analysis-page.ts";
import { analysisText } from "../../src/report/text/analysis-text.ts";
import { createPage } from "../../src/report/text/page.ts";
import { projectDir } from "../support/requirement.ts";

async function analysed(scenario: string): Promise<Analysis> {
  const folder = join(projectDir, "fixtures/scenarios", scenario);
  const { files } = JSON.parse(readFileSync(join(folder, "expect.json"), "utf8")) as { files: string[] };
  const timeBase = new TimeBase();
  const captures = await trackCaptures(
    files.map((file) => join(folder, file)),
    { timeBase },
  );
  const connected = connect(captures);
  return analysisOf({ captures, topology: inferTopology(connected), diagnosis: diagnose(connected), timeBase });
}

function tiersOf(analysis: Analysis): readonly TierDocument[] {
  return analysisDocument(analysis, { connections: false }).topology.vips[0]!.tiers;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe("the members of a tier that lost one", () => {
  let analysis: Analysis;
  let tier: TierDocument;
  beforeAll(async () => {
    analysis = await analysed("ecmp-rehash");
    const tiers = tiersOf(analysis);
    expect(tiers).toHaveLength(1);
    tier = tiers[0]!;
  });

  test("are told by MAC at the router, hashed over ports", () => {
    expect(tier).toMatchObject({ by: "mac", seenAt: "r:eth1", hashFields: { name: "5-tuple" } });
    expect(tier.members.map(({ member }) => member)).toEqual(["lb1", "lb2", "lb3"]);
  });

  test("have new flows, open ones and bytes over time that add up", () => {
    const all = tier.members.reduce((count, { connections }) => count + connections, 0);
    expect(all).toBe(126);
    for (const { connections, share, bytes, series } of tier.members) {
      expect(sum(series.newConnections)).toBe(connections);
      expect(share).toBeCloseTo(connections / all);
      expect(Math.abs(sum(series.bytes) - bytes)).toBeLessThan(60);
    }
    // all that the clients got and sent went by one of them
    const { subject } = analysis;
    const carried = subject.users.reduce((total, connection) => {
      const { up, down } = subject.back(connection);
      return total + up.payloadBytes + down.payloadBytes;
    }, 0);
    expect(Math.abs(sum(tier.members.map(({ bytes }) => bytes)) - carried)).toBeLessThan(10);
  });

  test("show where the flows of the one that left went", () => {
    const [, , third] = tier.members;
    expect(tier.moved).toBe(24);
    expect(sum(tier.members.map(({ joined }) => joined))).toBe(24);
    expect(sum(tier.members.map(({ left }) => left))).toBe(24);
    expect(third).toMatchObject({ joined: 0, left: 16 });
    // from 4 s of 7 on nothing is open at it
    expect(third!.series.activeConnections.slice(0, 30).every((mean) => mean > 0)).toBe(true);
    expect(Math.max(...third!.series.activeConnections.slice(40))).toBe(0);
  });

  test.each([80, 120, 160])("stand on the full text page of %i columns, and on no short one", (width) => {
    const full = analysisText(analysis, createPage(width, true, false));
    expect(full).toMatch(/members by destination MAC at r:eth1, hashed by 5-tuple \(0\.70\), 24 flows moved/);
    expect(full).toMatch(/^ {2}lb3 +39 +31\.0% /m);
    expect(analysisText(analysis, createPage(width, false, false))).not.toContain("members by");
  });

  test("stand on the HTML page", () => {
    const page = analysisPage(analysis);
    expect(page).toContain("members by destination MAC at r:eth1");
    expect(page).toMatch(/<td class="mono">lb3<\/td><td class="number">39<\/td><td class="number">31\.0%<\/td>/);
  });
});

describe("a flow that carries most of the bytes", () => {
  test("is named, and the hash is not accused", async () => {
    const analysis = await analysed("ecmp-elephant");
    const loud = analysis.findings.filter(({ severity }) => severity !== "info");
    expect(loud).toEqual([]);
    expect(analysis.findings).toContainEqual(
      expect.objectContaining({
        id: "balance.load-skew",
        where: expect.objectContaining({ member: expect.stringMatching(/^lb\d$/) }),
        measured: expect.objectContaining({ elephants: 1 }),
      }),
    );
    const [tier] = tiersOf(analysis);
    expect(tier?.elephants).toHaveLength(1);
    expect(tier!.elephants[0]!.bytes).toBeGreaterThan(2.4e6);
    const [finding] = analysis.findings.filter(({ id }) => id === "balance.load-skew");
    expect(tier!.elephants[0]!.member).toBe(finding!.where.member);
  });
});

describe("several balancers behind one VIP", () => {
  test.each(["ecmp-3lb", "ecmp-two-tier"])("of %s take turns, each for itself", async (scenario) => {
    const { topology } = analysisDocument(await analysed(scenario), { connections: false });
    expect(topology.vips[0]!.scheduler).toMatchObject({ name: "rr" });
    expect(topology.vips[0]!.scheduler.confidence).toBeGreaterThan(0.9);
  });
});
