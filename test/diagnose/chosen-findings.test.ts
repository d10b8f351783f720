import { expect, test } from "vitest";
import { type ChosenFindings, chooseFindings } from "../../src/diagnose/chosen-findings.ts";
import type { Finding } from "../../src/diagnose/finding.ts";
import { judge } from "../../src/diagnose/judge.ts";

function finding(id: string, connections: readonly number[], change: Partial<Finding> = {}): Finding {
  return {
    id,
    severity: "critical",
    confidence: 0.9,
    title: `it is ${id}`,
    explanation: "It was seen.",
    where: {},
    window: { from: 0, to: 1e9 },
    measured: {},
    connections: [...connections],
    evidence: [],
    displayFilter: "",
    remedy: [],
    ...change,
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function choose(found: readonly Finding[], wish: { ignore?: string[]; only?: string[] }) {
  const { ignore = [], only } = wish;
  return chooseFindings(judge(found), {
    isIgnored: (id) => ignore.includes(id),
    isWanted: only === undefined ? null : (id) => only.includes(id),
  });
}

function idsOf({ findings, ignored, explainedAway, notAsked }: ChosenFindings): Record<string, string[]> {
  const ids = (list: readonly Finding[]) => list.map(({ id }) => id);
  return {
    findings: ids(findings),
    ignored: ids(ignored),
    explainedAway: ids(explainedAway),
    notAsked: ids(notAsked),
  };
}

test("what an ignored cause explains stays explained; another cause, ranked lower, is told", () => {
  const found = [
    finding("lb.failover", range(0, 60)),
    finding("path.loss", range(0, 30), { severity: "warning" }),
    finding("backend.slow", range(80, 90), { severity: "warning" }),
  ];
  expect(idsOf(choose(found, { ignore: ["lb.failover"] }))).toEqual({
    findings: ["backend.slow"],
    ignored: ["lb.failover"],
    explainedAway: ["path.loss"],
    notAsked: [],
  });
});

test("what an ignored cause explains in part only is told, and how much it shares", () => {
  const found = [finding("lb.failover", range(0, 60)), finding("path.loss", range(40, 80))];
  expect(judge(found.map((one) => ({ ...one }))).findings.map(({ id }) => id)).toEqual(["lb.failover"]);
  const chosen = choose(found, { ignore: ["lb.failover"] });
  expect(idsOf(chosen)).toMatchObject({ findings: ["path.loss"], explainedAway: [] });
  expect(chosen.findings[0]?.explanation).toContain("20 of its 40 connections suffer from lb.failover too");
});

test("an ignored cause explains by its own connections, not by those of what else it explains", () => {
  // most of the loss is the aborting backend's, which shares just enough with the failover
  const found = [
    finding("lb.failover", range(0, 60)),
    finding("backend.aborting", [...range(40, 60), ...range(100, 120)]),
    finding("path.loss", range(100, 116)),
  ];
  expect(judge(found.map((one) => ({ ...one }))).findings.map(({ id }) => id)).toEqual(["lb.failover"]);
  expect(idsOf(choose(found, { ignore: ["lb.failover"] })).findings).toEqual(["backend.aborting", "path.loss"]);
});

test("what another cause explains as well goes to that one", () => {
  const found = [
    finding("lb.failover", range(0, 26)),
    finding("path.icmp-unreachable", range(20, 60)),
    finding("path.loss", range(14, 34), { title: "lossy" }),
  ];
  const chosen = choose(found, { ignore: ["lb.failover"], only: ["path.loss"] });
  expect(chosen.findings.map(({ id, explainedBy }) => [id, explainedBy])).toEqual([
    ["path.loss", "path.icmp-unreachable: it is path.icmp-unreachable"],
  ]);
});

test("what is only a symptom is told where it is asked for, with what explains it", () => {
  const found = [finding("ecmp.rehash", range(0, 50)), finding("lb.lost-state", range(0, 50)), finding("note.dsr", [])];
  const chosen = choose(found, { only: ["lb.lost-state"] });
  expect(idsOf(chosen)).toMatchObject({ findings: ["lb.lost-state"], notAsked: ["ecmp.rehash", "note.dsr"] });
  expect(chosen.findings[0]?.explainedBy).toBe("ecmp.rehash: it is ecmp.rehash");
  // and neither where its cause is known
  expect(idsOf(choose(found, { only: ["lb.lost-state"], ignore: ["ecmp.rehash"] }))).toMatchObject({
    findings: [],
    explainedAway: ["lb.lost-state"],
  });
});

test("a skew over a whole VIP that a dead backend explains stays explained", () => {
  const where = { vip: "192.0.2.10:443" };
  const found = [
    finding("backend.refusing", range(0, 10), { where }),
    finding("balance.backend-skew", range(10, 100), { where, severity: "warning" }),
  ];
  expect(idsOf(choose(found, { ignore: ["backend.refusing"] }))).toMatchObject({
    findings: [],
    explainedAway: ["balance.backend-skew"],
  });
});

test("ignoring what is not there, or is a symptom itself, changes nothing else", () => {
  const found = [finding("ecmp.rehash", range(0, 50)), finding("lb.lost-state", range(0, 50))];
  expect(idsOf(choose(found, { ignore: ["path.loss"] }))).toMatchObject({ findings: ["ecmp.rehash"], ignored: [] });
  expect(idsOf(choose(found, { ignore: ["lb.lost-state"] }))).toMatchObject({
    findings: ["ecmp.rehash"],
    ignored: ["lb.lost-state"],
  });
});
