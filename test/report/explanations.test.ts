import { describe, expect, test } from "vitest";
import { DETECTORS } from "../../src/diagnose/registry.ts";
import { EXPLANATIONS, FAMILIES } from "../../src/report/explanations/explanations.ts";
import { nearestIds } from "../../src/report/explanations/nearest-ids.ts";
import { isChosen, objectionTo } from "../../src/report/finding-choice.ts";
import { explanationListText, explanationText } from "../../src/report/text/explanation-text.ts";
import { columnsOf, createPage } from "../../src/report/text/page.ts";

/** Every finding that users were promised. */
const PROMISED = `
client.aborting
lb.idle-timeout lb.failover lb.split-brain lb.lost-state lb.rehash lb.aborting lb.queueing lb.snat-exhaustion
lb.port-reuse
backend.refusing backend.unreachable backend.aborting backend.overflow backend.slow
path.injected-reset path.asymmetric path.direct-reply path.arp-conflict path.mtu-blackhole path.icmp-missteered
path.icmp-unreachable path.loss path.spray
ecmp.rehash ecmp.skew ecmp.polarization
balance.backend-skew balance.source-skew balance.load-skew balance.scheduler-mismatch
proxy.header-mismatch proxy.toa-missing
attack.syn-flood
note.dsr note.health-checks note.late-data
capture.loss capture.one-sided capture.truncated capture.offload capture.clock-skew`
  .trim()
  .split(/\s+/);

test("every promised finding is explained, and nothing else", () => {
  expect(Object.keys(EXPLANATIONS).toSorted()).toEqual(PROMISED.toSorted());
});

test("every id that a detector may report is explained", () => {
  for (const id of DETECTORS.flatMap(({ ids }) => ids)) expect(EXPLANATIONS, id).toHaveProperty([id]);
});

describe.each(Object.entries(EXPLANATIONS))("%s", (id, explanation) => {
  test("says what it is, how it is found, how to make sure and what to do", () => {
    expect(FAMILIES).toHaveProperty(id.split(".")[0] ?? "");
    for (const text of [explanation.means, explanation.found]) expect(text).toMatch(/^[A-Z].{30,}[.]$/s);
    for (const list of [explanation.alternatives, explanation.confirm, explanation.remedy]) {
      expect(list.length).toBeGreaterThan(0);
    }
    expect(explanation.summary.length).toBeLessThanOrEqual(50);
  });

  test("names only findings that there are", () => {
    const text = JSON.stringify(explanation);
    const families = Object.keys(FAMILIES).join("|");
    for (const [named] of text.matchAll(new RegExp(`\\b(?:${families})\\.[a-z]+(?:-[a-z]+)*\\b`, "g"))) {
      expect(EXPLANATIONS, named).toHaveProperty([named]);
      expect(named).not.toBe(id);
    }
  });

  test.each([80, 140])("fits %i columns", (width) => {
    for (const line of explanationText(id, explanation, createPage(width, true, false)).split("\n")) {
      expect(columnsOf(line), line).toBeLessThanOrEqual(width);
    }
  });
});

test("the list has every finding once, under its family", () => {
  const lines = explanationListText(createPage(80, true, false)).split("\n");
  for (const id of PROMISED) expect(lines.filter((line) => line.trim().startsWith(`${id} `))).toHaveLength(1);
  for (const line of lines) expect(columnsOf(line), line).toBeLessThanOrEqual(80);
});

test("what is nearly an id leads to it", () => {
  expect(nearestIds("rehash")).toEqual(["lb.rehash", "ecmp.rehash"]);
  expect(nearestIds("backend.nope")).toContain("backend.refusing");
  expect(nearestIds("")).toEqual([]);
});

describe("a choice of findings", () => {
  test("by id and by family", () => {
    expect(isChosen("path.loss", {})).toBe(true);
    expect(isChosen("path.loss", { only: ["path.*"] })).toBe(true);
    expect(isChosen("lb.rehash", { only: ["path.*", "ecmp.rehash"] })).toBe(false);
    expect(isChosen("path.loss", { ignore: ["path.loss"] })).toBe(false);
    expect(isChosen("path.loss", { only: ["path.*"], ignore: ["path.loss"] })).toBe(false);
    expect(isChosen("path.loss", { only: ["path"] })).toBe(false);
  });

  test("of nothing that there is, is told", () => {
    expect(objectionTo({ only: ["path.*"], ignore: ["note.dsr"] })).toBeNull();
    expect(objectionTo({ only: ["path.los"] })).toBe("--only path.los: no such finding; l4scope explain lists them");
    expect(objectionTo({ ignore: ["pth.*"] })).toMatch(/^--ignore pth\.\*: no such finding/);
  });
});
