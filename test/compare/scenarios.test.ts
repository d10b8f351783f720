import { describe, expect, test } from "vitest";
import { compareSides } from "../../src/compare/compare.ts";
import type { Side } from "../../src/compare/side.ts";
import type { Analysis } from "../../src/report/analysis.ts";
import { diffOf } from "../../src/report/compare/diff.ts";
import { sideOfAnalysis } from "../../src/report/compare/side-of-analysis.ts";
import { verdictOf } from "../../src/report/compare/verdict.ts";
import { analyseScenario } from "./sides.ts";

/** The run before and after a part of its length. */
function cutAt(analysis: Analysis, part: number): [Side, Side] {
  const { start, end } = analysis.subject;
  const cut = start + (end - start) * part;
  return [
    sideOfAnalysis(analysis, "before", { from: start, to: cut }),
    sideOfAnalysis(analysis, "after", { from: cut, to: end + 1 }),
  ];
}

describe("a healthy run, cut anywhere, has not changed", () => {
  test.each([
    "asymmetric-dsr",
    "bgp-ecmp",
    "dnat-health-checks",
    "dnat-ipv6",
    "dnat-rr",
    "ecmp-3lb",
    "ecmp-two-tier",
    "far-clients",
    "fullnat-rr",
    "gue-dsr",
    "haproxy-leastconn",
    "haproxy-source",
    "haproxy-v1",
    "ipvs-dr-sh",
    "l2-dsr",
    "nginx-stream",
    "real-services",
  ])("%s", async (name) => {
    const analysis = await analyseScenario(name);
    for (const part of [0.3, 0.5, 0.7]) {
      const { changes, findings } = compareSides(...cutAt(analysis, part));
      expect({ part, changes, appeared: findings.appeared, gone: findings.gone }).toEqual({
        part,
        changes: [],
        appeared: [],
        gone: [],
      });
    }
  });
});

/** Just before what befell each run. */
async function aroundFirstReset(name: string): Promise<[Side, Side]> {
  const analysis = await analyseScenario(name);
  const [first] = analysis.findings;
  if (first === undefined) throw new Error(`nothing was found in ${name}`);
  const { start, end } = analysis.subject;
  return cutAt(analysis, (first.window.from - 50e6 - start) / (end - start));
}

describe("a run, cut before something happened in it", () => {
  test("ECMP rehashed when a balancer was added: resets of connections that moved, and the finding", async () => {
    const [before, after] = await aroundFirstReset("ecmp-rehash-add");
    const { changes, findings } = compareSides(before, after);
    expect(changes.map(({ measure }) => measure)).toEqual(expect.arrayContaining(["reset", "moved", "reset-cause"]));
    expect(changes[0]).toMatchObject({ measure: "reset", before: { events: 0 }, after: { events: 24 } });
    expect(changes.find(({ measure }) => measure === "reset-cause")).toMatchObject({ detail: "lb no-state" });
    expect(findings.appeared).toMatchObject([{ finding: { id: "ecmp.rehash" }, isSure: true }]);
    // the other way round the same went away
    expect(compareSides(after, before).findings.gone).toMatchObject([{ finding: { id: "ecmp.rehash" } }]);
    expect(compareSides(after, before).changes[0]?.difference).toBeLessThan(0);
  });

  test("a balancer was added without harm: it is new, and nothing else", async () => {
    const [before, after] = cutAt(await analyseScenario("ecmp-resilient-add"), 0.5);
    const { changes } = compareSides(before, after);
    expect(changes).toMatchObject([{ measure: "member-presence", subject: { member: "lb3" }, before: { events: 0 } }]);
    expect(verdictOf(diffOf(before, after)).sentence).toMatch(/^after: lb3 is new: 33% of new connections/);
  });

  test("a balancer forgot its connections: all resets are its", async () => {
    const [before, after] = await aroundFirstReset("lost-state-flush");
    expect(compareSides(before, after).changes[0]).toMatchObject({
      measure: "reset",
      before: { events: 0 },
      source: { kind: "node", name: "lb1" },
    });
  });
});

describe("two runs of the same set-up", () => {
  const arms = (file: string) => file.startsWith("lb1-");

  test("one of whose backends refuses", async () => {
    const [before, after] = (await Promise.all(
      ["dnat-rr", "dnat-backend-refusing"].map(async (name) => sideOfAnalysis(await analyseScenario(name, arms), name)),
    )) as [Side, Side];
    const { changes, findings } = compareSides(before, after);
    expect(changes[0]).toMatchObject({ measure: "refused", source: { kind: "backend", name: "10.3.0.12:8443" } });
    expect(findings.appeared).toMatchObject([{ finding: { id: "backend.refusing" }, isSure: true }]);
  });

  test("one of whose backends is slow: that backend, and no other", async () => {
    const [before, after] = (await Promise.all(
      ["dnat-rr", "dnat-backend-slow"].map(async (name) => sideOfAnalysis(await analyseScenario(name, arms), name)),
    )) as [Side, Side];
    const backends = compareSides(before, after).changes.flatMap(({ subject }) => subject.backend ?? []);
    expect(backends).toEqual(["10.3.0.11:8443"]);
  });

  test("of which one shows the backends' side and the other does not: what cannot be compared is said", async () => {
    const analyses = await Promise.all([
      analyseScenario("dnat-rr", (file) => file === "lb1-eth0.pcap.gz"),
      analyseScenario("dnat-rr", arms),
    ]);
    const [before, after] = analyses.map((analysis) => sideOfAnalysis(analysis, "side")) as [Side, Side];
    const { changes, incomparable, caveats } = compareSides(before, after);
    expect(changes).toEqual([]);
    expect(incomparable.map(({ measure }) => measure)).toEqual(
      expect.arrayContaining(["backend-shares", "retransmits"]),
    );
    expect(caveats).toEqual(["only after was captured at lb1:eth1"]);
  });
});
